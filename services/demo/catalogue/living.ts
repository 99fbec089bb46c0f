import { leaf, type Department } from './types.ts'

const SOFT = ['Sage Green', 'Terracotta', 'Cream', 'Midnight Blue', 'Lavender', 'Ochre', 'Charcoal']

export const home: Department = {
  slug: 'home',
  name: 'Home & Living',
  brands: {
    stems: ['Alderhouse', 'Brambleton', 'Cotterell', 'Dovecote', 'Elmfield', 'Fernhill', 'Gablewood', 'Hearthstone', 'Ivybridge', 'Juniper', 'Kindling', 'Larkspur', 'Millbrook', 'Nesting', 'Orchard', 'Plainview', 'Quilted', 'Rowanberry', 'Sundial', 'Thistledown'],
    styles: ['', ' Home', ' & Hearth']
  },
  promises: ['Thirty nights to try it at home.', 'Delivered assembled or with six screws at most.', 'Made in small workshops that we visit.', 'Spare parts and covers are available for years.'],
  groups: [
    {
      slug: 'furniture',
      name: 'Furniture',
      leaves: [
        leaf('chairs', 'Chairs', [45, 620], [['Dining Chair', 'chair'], ['Reading Chair', 'chair', [140, 620]], ['Folding Seat', 'seat', [29, 120]]], { color: SOFT, material: ['Oak', 'Beech', 'Walnut', 'Steel'], style: ['Classic', 'Modern', 'Rustic'] }, ['Joints are glued and pegged, and do not creak.', 'The back follows the spine.', 'Felt under the feet spares the floor.', 'Carries 130 kilograms.', 'Stacks four high.']),
        leaf('sofas', 'Sofas & Couches', [320, 2800], [['Two-Seat Sofa', 'couch-and-lamp'], ['Corner Sofa', 'couch-and-lamp'], ['Sleeper Couch', 'couch-and-lamp']], { color: SOFT, material: ['Linen', 'Velvet', 'Wool blend', 'Leather'], seats: ['2 seats', '3 seats', '4 seats'] }, ['Covers come off and go into the washing machine.', 'The frame is kiln-dried hardwood.', 'Cushions keep their shape through years of evenings.', 'Fits through a door of seventy centimetres.', 'Opens into a bed in one movement.']),
        leaf('beds', 'Beds', [180, 1700], [['Bed Frame', 'bed'], ['Storage Bed', 'bed'], ['Day Bed', 'bed']], { size: ['90 x 200 cm', '140 x 200 cm', '160 x 200 cm', '180 x 200 cm'], material: ['Oak', 'Pine', 'Walnut', 'Upholstered'], color: SOFT.slice(0, 4) }, ['Slats of birch give where shoulders press.', 'Assembled by two people in half an hour.', 'Leaves room for boxes underneath.', 'Quiet when its sleepers turn.', 'The headboard is deep enough to lean a book on.'])
      ]
    },
    {
      slug: 'lighting-decor',
      name: 'Lighting & Decor',
      leaves: [
        leaf('lamps', 'Lamps', [18, 280], [['Table Lamp', 'light-bulb'], ['Reading Lamp', 'light-bulb'], ['Paper Lantern', 'red-paper-lantern', [12, 48]], ['Oil Lamp', 'diya-lamp', [16, 72]]], { color: SOFT, material: ['Brass', 'Ceramic', 'Paper', 'Glass', 'Linen'], light: ['Warm white', 'Neutral white', 'Dimmable'] }, ['The light falls where the page is and nowhere else.', 'The bulb is included and can be replaced.', 'The cable is covered with cloth and long enough for real rooms.', 'Dims down to the glow of a candle.', 'Stands firmly on a bookshelf.']),
        leaf('candles', 'Candles & Scents', [7, 68], [['Scented Candle', 'candle'], ['Pillar Candle', 'candle'], ['Room Scent', 'lotion-bottle']], { scent: ['Cedar', 'Fig Leaf', 'Lavender', 'Orange Blossom', 'Unscented'], burning: ['20 hours', '40 hours', '60 hours'], color: SOFT }, ['Poured by hand from rapeseed and beeswax.', 'Burns down evenly and without soot.', 'The glass becomes a tumbler afterwards.', 'The wick is cotton without a core of metal.', 'Smells of the thing itself, not of sugar.']),
        leaf('wall-art', 'Pictures & Mirrors', [15, 360], [['Framed Print', 'framed-picture'], ['Wall Mirror', 'mirror', [45, 320]], ['World Map', 'world-map', [15, 90]]], { size: ['30 x 40 cm', '50 x 70 cm', '70 x 100 cm'], frame: ['Oak', 'Black', 'White', 'Brass'], color: SOFT.slice(0, 5) }, ['Printed with pigments that outlast their owner.', 'Hangs on a single nail and stays level.', 'The glass does not mirror the window.', 'Signed and numbered on the back.', 'Corners are mitred and pinned.']),
        leaf('plants', 'House Plants', [9, 110], [['Potted Plant', 'potted-plant'], ['Cactus', 'cactus', [7, 38]], ['Dwarf Palm', 'palm-tree', [29, 110]], ['Tulip Bulbs', 'tulip', [6, 24]]], { light: ['Full sun', 'Half shade', 'Shade'], height: ['15 cm', '30 cm', '60 cm', '100 cm'] }, ['Grown without peat and without sprays.', 'Forgives a fortnight without water.', 'Comes in its pot, with a card that says what it likes.', 'Cleans the air of a bedroom.', 'Sent in a box that keeps it upright.'])
      ]
    },
    {
      slug: 'household',
      name: 'Household',
      leaves: [
        leaf('bathroom', 'Bathroom', [6, 240], [['Bath Set', 'bathtub', [24, 120]], ['Rain Shower', 'shower', [59, 240]], ['Natural Soap', 'soap', [5, 16]]], { color: SOFT, material: ['Cotton', 'Bamboo', 'Chrome', 'Stone'] }, ['Dries quickly and does not smell of damp.', 'Holds on tiles without drilling.', 'Saves a third of the water.', 'Washes at sixty degrees.', 'Soft from the first day.']),
        leaf('cleaning', 'Cleaning', [4, 130], [['Broom', 'broom', [9, 39]], ['Cleaning Bucket', 'bucket', [7, 32]], ['Laundry Basket', 'basket', [22, 95]], ['Kitchen Sponge', 'sponge', [4, 12]]], { material: ['Beech', 'Recycled plastic', 'Steel', 'Cellulose'], color: SOFT }, ['Reaches under the lowest cupboard.', 'Bristles are swept from both sides before they tire.', 'Hangs up by a loop of leather.', 'Replaced head by head, not whole.', 'Stands by itself when full.']),
        leaf('clocks', 'Clocks', [14, 260], [['Alarm Clock', 'alarm-clock', [16, 79]], ['Mantel Clock', 'mantelpiece-clock', [49, 260]], ['Kitchen Timer', 'timer-clock', [12, 38]]], { color: SOFT, material: ['Oak', 'Steel', 'Brass', 'Recycled plastic'] }, ['Runs without a tick.', 'The alarm begins softly and means it in the end.', 'Glows in the dark without a lamp.', 'Keeps time through a change of battery.', 'Large figures are read without glasses.'])
      ]
    }
  ]
}

export const kitchen: Department = {
  slug: 'kitchen',
  name: 'Kitchen & Dining',
  brands: {
    stems: ['Aldente', 'Brasserie', 'Castello', 'Demitasse', 'Emberstone', 'Fondant', 'Granary', 'Hobbs', 'Infusion', 'Julienne', 'Kneadwell', 'Larder', 'Mandolin', 'Nutmeg', 'Ovenbird', 'Peppermill', 'Quince', 'Ramekin', 'Saffron', 'Trivet'],
    styles: ['', ' Kitchen', ' & Thyme']
  },
  promises: ['Goes into the dishwasher without a second thought.', 'Guaranteed for twenty-five years in a home kitchen.', 'Tested by cooks before it is sold.', 'Comes with six recipes.'],
  leaves: [
    leaf('kettles-teapots', 'Kettles & Teapots', [16, 190], [['Teapot', 'teapot'], ['Electric Kettle', 'teapot'], ['Tea Infuser', 'teacup-without-handle', [9, 32]]], { capacity: ['500 ml', '800 ml', '1.2 l', '1.7 l'], color: SOFT, material: ['Porcelain', 'Cast iron', 'Glass', 'Stainless steel'] }, ['Pours without a drop on the cloth.', 'The handle stays cool.', 'A strainer for whole leaves sits inside.', 'Keeps tea warm through a long talk.', 'The lid stays on to the last cup.']),
    leaf('coffee', 'Coffee', [14, 640], [['Coffee Maker', 'hot-beverage', [29, 190]], ['Espresso Machine', 'hot-beverage', [140, 640]], ['Travel Mug', 'cup-with-straw', [14, 42]]], { capacity: ['250 ml', '500 ml', '1 l'], color: SOFT, power: ['Manual', '900 W', '1,350 W'] }, ['Water meets the grounds at ninety-three degrees.', 'Makes one cup as well as eight.', 'Parts that touch coffee come off and rinse clean.', 'Switches itself off and says so.', 'Froths milk for a flat white as for a cappuccino.']),
    leaf('cookware', 'Pots & Pans', [22, 340], [['Frying Pan', 'cooking'], ['Casserole', 'pot-of-food', [59, 340]], ['Sauté Pan', 'shallow-pan-of-food']], { size: ['20 cm', '24 cm', '28 cm', '32 cm'], material: ['Cast iron', 'Carbon steel', 'Stainless steel', 'Copper'] }, ['Browns evenly to the rim.', 'Goes from flame to oven to table.', 'Works on gas, glass and induction.', 'The coating is baked oil and nothing else.', 'Grows better with every year.']),
    leaf('knives', 'Knives & Boards', [12, 290], [['Chef\'s Knife', 'kitchen-knife', [35, 290]], ['Paring Knife', 'kitchen-knife', [12, 58]], ['Knife and Fork Set', 'fork-and-knife']], { length: ['9 cm', '15 cm', '20 cm', '24 cm'], steel: ['X50CrMoV15', 'VG-10', 'AUS-8', 'High carbon'] }, ['Ground by hand to fifteen degrees a side.', 'The tang runs through the handle.', 'Takes an edge in a minute and keeps it for weeks.', 'Falls through a ripe tomato by its weight.', 'The handle is shaped for a pinch grip.']),
    leaf('tableware', 'Tableware', [9, 210], [['Dinner Service', 'fork-and-knife-with-plate', [59, 210]], ['Soup Bowl', 'bowl-with-spoon', [9, 48]], ['Serving Spoon', 'spoon', [9, 35]]], { color: SOFT, pieces: ['4 pieces', '12 pieces', '16 pieces', '24 pieces'], material: ['Stoneware', 'Porcelain', 'Enamel', 'Olive wood'] }, ['Glazed by hand, so no two are alike.', 'Stacks low and does not scratch.', 'Takes oven, microwave and freezer.', 'Single pieces can be bought later.', 'Heavy enough to feel like dinner.']),
    leaf('glassware', 'Glasses & Bar', [8, 160], [['Wine Glasses', 'wine-glass'], ['Tumblers', 'tumbler-glass'], ['Cocktail Glasses', 'cocktail-glass'], ['Beer Mugs', 'beer-mug']], { pieces: ['2 pieces', '4 pieces', '6 pieces'], volume: ['200 ml', '330 ml', '450 ml', '600 ml'] }, ['Blown from clear glass without lead.', 'The rim is cut thin and does not chip.', 'Rings when it is touched.', 'Stems give a little before they break.', 'Made for the everyday wine too.']),
    leaf('storage-jars', 'Storage & Lunch', [7, 85], [['Storage Jar', 'jar'], ['Bento Box', 'bento-box'], ['Canister', 'canned-food']], { capacity: ['400 ml', '800 ml', '1.5 l', '3 l'], color: SOFT, material: ['Glass', 'Steel', 'Bamboo', 'Stoneware'] }, ['Seals with a ring that can be bought anew.', 'Keeps crackers crisp for weeks.', 'Does not leak in a bag.', 'Shows what is inside.', 'Fits into a shelf door of the refrigerator.'])
  ]
}

export const garden: Department = {
  slug: 'garden',
  name: 'Garden & Outdoors',
  brands: {
    stems: ['Arborway', 'Bluebell', 'Cloverly', 'Digwell', 'Earthworth', 'Foxglove', 'Greenhithe', 'Hedgerow', 'Ironbark', 'Jardine', 'Kitchengarden', 'Lawnside', 'Meadowlark', 'Nettlecombe', 'Oldfield', 'Potager', 'Quarryside', 'Rainbarrel', 'Spadework', 'Trellis'],
    styles: ['', ' Garden', ' & Field']
  },
  promises: ['Weathers winters outdoors.', 'Handles and blades are replaceable.', 'Grown and packed by people who garden.', 'Guaranteed for five seasons.'],
  leaves: [
    leaf('garden-tools', 'Garden Tools', [9, 130], [['Pruning Shears', 'scissors'], ['Garden Pick', 'pick'], ['Watering Bucket', 'bucket', [12, 45]], ['Garden Gloves', 'gloves', [9, 34]]], { material: ['Ash', 'Stainless steel', 'Leather', 'Carbon steel'], size: ['Small', 'Medium', 'Large'] }, ['Cuts green wood up to twenty-five millimetres.', 'Comes apart for sharpening.', 'Soil falls off the polished face.', 'Fits small hands as well as large.', 'The spring is inside and cannot be lost.']),
    leaf('seeds', 'Seeds & Seedlings', [3, 35], [['Seedling Tray', 'seedling'], ['Herb Seeds', 'herb'], ['Wildflower Mix', 'blossom'], ['Sunflower Seeds', 'sunflower']], { season: ['Spring', 'Early summer', 'Late summer', 'Autumn'], light: ['Full sun', 'Half shade'] }, ['Open-pollinated, so the seed can be saved.', 'Sprouts in nine of ten cases.', 'Enough for a balcony or a row of five metres.', 'Loved by bees.', 'The packet says when, how deep and how far apart.']),
    leaf('garden-furniture', 'Garden Furniture', [35, 780], [['Sun Parasol', 'umbrella-on-ground', [59, 380]], ['Garden Chair', 'chair'], ['Beach Shelter', 'beach-with-umbrella', [39, 140]]], { color: SOFT, material: ['Teak', 'Acacia', 'Aluminium', 'Canvas'] }, ['Folds flat for the shed.', 'Cloth keeps its colour through summers.', 'Screws are stainless.', 'Stands firm in gusts.', 'Seats stay cool in the sun.']),
    leaf('outdoor-fire', 'Fire & Barbecue', [18, 420], [['Fire Bowl', 'fire', [79, 420]], ['Barbecue Skewers', 'oden', [14, 38]], ['Camp Stove', 'cooking', [39, 180]]], { size: ['30 cm', '45 cm', '60 cm', '80 cm'], material: ['Cast iron', 'Corten steel', 'Stainless steel'] }, ['Draws air from below and burns with little smoke.', 'Ash is emptied with one movement.', 'Holds heat for a second round.', 'Made of steel that does not warp.', 'The grate fits pans as well as steaks.']),
    leaf('wildlife', 'Wildlife Care', [8, 120], [['Bird House', 'house-with-garden'], ['Bee Hotel', 'honeybee'], ['Squirrel Feeder', 'chestnut']], { material: ['Larch', 'Oak', 'Clay', 'Recycled plastic'], size: ['Small', 'Medium', 'Large'] }, ['Built to the measures that naturalists recommend.', 'Opens at the side for a yearly cleaning.', 'Untreated wood that turns silver.', 'Cats cannot reach in.', 'Comes with a guide to its guests.'])
  ]
}

export const pets: Department = {
  slug: 'pets',
  name: 'Pets',
  brands: {
    stems: ['Barkley', 'Catkin', 'Dogwood', 'Earwig', 'Furlong', 'Goodboy', 'Hareton', 'Inkpaw', 'Jackdaw', 'Kibbleton', 'Lapdog', 'Mewsley', 'Nibbler', 'Otterby', 'Pawprint', 'Quackers', 'Ruffle', 'Snoutwell', 'Tailwind', 'Whiskerby'],
    styles: ['', ' Pets', ' & Friends']
  },
  promises: ['Approved by our own animals.', 'Developed with a veterinary practice.', 'If it is ignored, send it back.', 'Free of anything that should not be chewed.'],
  leaves: [
    leaf('dog-supplies', 'Dogs', [6, 160], [['Dog Bed', 'dog', [35, 160]], ['Chew Bone', 'bone', [5, 22]], ['Dog Harness', 'guide-dog', [18, 75]]], { size: ['Small', 'Medium', 'Large', 'Extra large'], color: SOFT }, ['Washes at sixty degrees, cover and core.', 'Outlasts a puppy.', 'Reflects headlights on winter walks.', 'Does not chafe behind the legs.', 'Smells of nothing, or of beef.']),
    leaf('cat-supplies', 'Cats', [5, 180], [['Scratching Post', 'cat', [29, 180]], ['Cat Toy', 'yarn', [5, 19]], ['Cat Basket', 'basket', [22, 95]]], { color: SOFT, material: ['Sisal', 'Felt', 'Wicker', 'Wool'] }, ['Stands firm under a leap.', 'Sisal is renewed by unscrewing one ring.', 'High enough for a full stretch.', 'Filled with catnip from a garden.', 'Looks like furniture.']),
    leaf('aquarium', 'Aquariums', [8, 420], [['Aquarium', 'tropical-fish', [69, 420]], ['Fish Food', 'fish', [6, 24]], ['Aquarium Decor', 'coral', [9, 48]]], { volume: ['20 l', '54 l', '112 l', '180 l'], water: ['Freshwater', 'Saltwater'] }, ['The pump is quieter than the fish.', 'Glass is seamed without black silicone.', 'Light follows the day.', 'Feeds for a holiday.', 'Plants root in the very first week.']),
    leaf('small-pets', 'Small Animals & Birds', [5, 190], [['Rabbit Hutch', 'rabbit', [69, 190]], ['Hamster Wheel', 'hamster', [9, 32]], ['Parrot Perch', 'parrot', [16, 68]], ['Bird Feeder', 'bird', [9, 42]]], { size: ['Small', 'Medium', 'Large'], material: ['Pine', 'Beech', 'Steel'] }, ['Runs without a squeak at night.', 'Drawers pull out for cleaning.', 'Edges are rounded and safe to gnaw.', 'Two of them connect to one.', 'Large enough to stand upright in.'])
  ]
}

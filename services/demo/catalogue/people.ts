import { leaf, type Department } from './types.ts'

const CLOTH = ['Midnight Blue', 'Charcoal', 'Cream', 'Forest Green', 'Terracotta', 'Sky Blue', 'Signal Red', 'Lavender', 'Ochre']
const SIZES = ['XS', 'S', 'M', 'L', 'XL']

export const fashion: Department = {
  slug: 'fashion',
  name: 'Fashion',
  brands: {
    stems: ['Ashbourne', 'Bellwether', 'Calico', 'Dunmore', 'Everly', 'Fairisle', 'Greyfriar', 'Haverly', 'Indigo', 'Jessamy', 'Kersey', 'Lindale', 'Marlowe', 'Norwood', 'Osmund', 'Penrose', 'Quincey', 'Ravenna', 'Selwyn', 'Twillby'],
    styles: ['', ' Clothing', ' & Daughters']
  },
  promises: ['Repaired free of charge for five years.', 'Sewn in workshops that publish their wages.', 'Free exchange of size.', 'Sent in a bag that can be used again.'],
  groups: [
    {
      slug: 'clothing',
      name: 'Clothing',
      leaves: [
        leaf('shirts', 'Shirts & Tops', [14, 120], [['T-Shirt', 't-shirt'], ['Oxford Shirt', 'necktie'], ['Running Shirt', 'running-shirt']], { color: CLOTH, size: SIZES, material: ['Organic cotton', 'Linen', 'Merino', 'Hemp blend'] }, ['Keeps its shape after a hundred washes.', 'Seams lie flat under a rucksack.', 'Cut straight, with room to move.', 'The collar neither curls nor stretches.', 'Buttons are sewn on by hand.']),
        leaf('trousers', 'Trousers & Jeans', [28, 180], [['Jeans', 'jeans'], ['Chino Trousers', 'jeans'], ['Shorts', 'shorts']], { color: CLOTH.slice(0, 6), size: ['28', '30', '32', '34', '36'], fit: ['Slim', 'Straight', 'Relaxed'] }, ['Woven in an old mill on shuttle looms.', 'Pockets are deep enough for a paperback.', 'Bar-tacked where they usually tear.', 'Softens with wear and tells where it has been.', 'The hem can be let down twice.']),
        leaf('dresses', 'Dresses', [32, 280], [['Summer Dress', 'dress'], ['Evening Dress', 'dress', [89, 280]], ['Kimono Robe', 'kimono', [49, 190]]], { color: CLOTH, size: SIZES, material: ['Linen', 'Viscose', 'Silk', 'Organic cotton'] }, ['Has pockets.', 'Falls without clinging.', 'Packs without a crease.', 'Lined where it matters.', 'Dances well and dries overnight.']),
        leaf('coats', 'Coats & Jackets', [65, 520], [['Winter Coat', 'coat', [120, 520]], ['Rain Jacket', 'coat'], ['Wool Scarf', 'scarf', [29, 110]]], { color: CLOTH, size: SIZES, material: ['Recycled wool', 'Waxed cotton', 'Recycled polyester'] }, ['Turns wind and three hours of rain.', 'Warm without weight.', 'The hood turns with the head.', 'Zips open from both ends.', 'Proofed without fluorine, and can be proofed again.']),
        leaf('socks', 'Socks & Underwear', [6, 48], [['Hiking Socks', 'socks'], ['Briefs', 'briefs'], ['Wool Gloves', 'gloves']], { color: CLOTH, size: ['35-38', '39-42', '43-46', 'One size'], material: ['Merino', 'Organic cotton', 'Bamboo'] }, ['Toes are linked by hand, without a ridge.', 'Stays up without leaving a mark.', 'Smells fresh after three days on a trail.', 'Darned through the heel.', 'Sold in pairs and as a dozen.'])
      ]
    },
    {
      slug: 'shoes',
      name: 'Shoes',
      leaves: [
        leaf('sneakers', 'Sneakers', [38, 220], [['Running Shoes', 'running-shoe'], ['Everyday Sneakers', 'running-shoe'], ['Trail Shoes', 'running-shoe']], { color: CLOTH, size: ['37', '39', '41', '43', '45'], material: ['Recycled mesh', 'Suede', 'Canvas'] }, ['Rolls from heel to toe without a push.', 'Grips on wet leaves.', 'The sole can be replaced once.', 'Wide enough in front for real toes.', 'Weighs less than a paperback.']),
        leaf('boots', 'Boots', [70, 360], [['Hiking Boots', 'hiking-boot'], ['Leather Boots', 'womans-boot'], ['Brogues', 'mans-shoe']], { color: ['Chestnut', 'Charcoal', 'Forest Green', 'Ochre'], size: ['37', '39', '41', '43', '45'], material: ['Full-grain leather', 'Nubuck', 'Waxed suede'] }, ['Welted, so a cobbler can resole them.', 'Needs no week of blisters.', 'Keeps water out below the third hook.', 'Holds the ankle on scree.', 'Polishes up to new.']),
        leaf('sandals', 'Sandals & Slippers', [16, 130], [['Leather Sandals', 'womans-sandal'], ['House Slippers', 'flat-shoe', [18, 69]], ['Beach Sandals', 'thong-sandal', [14, 48]]], { color: CLOTH, size: ['36', '38', '40', '42', '44'], material: ['Cork', 'Felt', 'Leather'] }, ['The footbed takes the shape of its owner.', 'Straps are lined with soft leather.', 'Quiet on wooden stairs.', 'Washes off under the tap.', 'Made for warm stones.'])
      ]
    },
    {
      slug: 'accessories',
      name: 'Accessories',
      leaves: [
        leaf('bags', 'Bags & Luggage', [24, 380], [['Backpack', 'backpack'], ['Handbag', 'handbag'], ['Cabin Luggage', 'luggage', [99, 380]], ['Briefcase', 'briefcase']], { color: CLOTH, volume: ['8 l', '18 l', '24 l', '38 l'], material: ['Waxed canvas', 'Leather', 'Recycled nylon', 'Polycarbonate'] }, ['A laptop sits against the back, in felt.', 'Zips are lockable and sealed.', 'Opens flat like a suitcase.', 'Fits under the seat of any airline.', 'The straps forget their load.']),
        leaf('hats', 'Hats & Umbrellas', [12, 140], [['Sun Hat', 'womans-hat'], ['Baseball Cap', 'billed-cap', [12, 38]], ['Top Hat', 'top-hat', [59, 140]], ['Pocket Umbrella', 'umbrella']], { color: CLOTH, size: ['S', 'M', 'L', 'One size'], material: ['Straw', 'Wool felt', 'Cotton', 'Recycled polyester'] }, ['Folds without remembering it.', 'Turns inside out and back without harm.', 'Shades face and neck.', 'Sits firmly on a ferry.', 'Ribs of fibreglass bend and do not break.']),
        leaf('jewellery', 'Jewellery', [22, 1400], [['Ring', 'ring', [49, 1400]], ['Gem Pendant', 'gem-stone'], ['Bead Bracelet', 'prayer-beads', [18, 95]], ['Crown Brooch', 'crown', [29, 240]]], { metal: ['Sterling silver', 'Gold vermeil', '14 ct gold', 'Brass'], stone: ['None', 'Garnet', 'Moonstone', 'Sapphire', 'Amber'] }, ['Set by hand under a glass.', 'Comes in a box worth keeping.', 'Metal is recycled and hallmarked.', 'Resized once free of charge.', 'Light enough to forget.']),
        leaf('sunglasses', 'Glasses', [15, 260], [['Sunglasses', 'sunglasses'], ['Reading Glasses', 'glasses', [15, 89]], ['Ski Goggles', 'goggles']], { color: CLOTH, lens: ['Grey', 'Brown', 'Green', 'Clear'], material: ['Acetate', 'Titanium', 'Recycled nylon'] }, ['Stops all ultraviolet light.', 'Hinges are sprung and screwed.', 'Polarised against glare on water.', 'Does not slide in summer.', 'Lenses can be changed for prescription ones.'])
      ]
    }
  ]
}

export const beauty: Department = {
  slug: 'beauty',
  name: 'Beauty & Care',
  brands: {
    stems: ['Amaranth', 'Botanica', 'Camellia', 'Dewfall', 'Eglantine', 'Florissa', 'Gardenia', 'Honeydew', 'Immortelle', 'Jasmina', 'Kalmia', 'Lavandin', 'Myrtle', 'Nerolia', 'Oleander', 'Petalworks', 'Quillaja', 'Rosalind', 'Sorrel', 'Tansy'],
    styles: ['', ' Botanics', ' Apothecary']
  },
  promises: ['Never tested on animals.', 'Every ingredient is on the front of the bottle.', 'Refills come in paper.', 'Made fresh each month and dated.'],
  leaves: [
    leaf('skin-care', 'Skin Care', [8, 95], [['Face Cream', 'lotion-bottle'], ['Body Lotion', 'lotion-bottle'], ['Hand Balm', 'lotion-bottle']], { skin: ['Dry', 'Normal', 'Combination', 'Sensitive'], volume: ['30 ml', '50 ml', '100 ml', '250 ml'], scent: ['Unscented', 'Rose', 'Calendula', 'Green Tea'] }, ['Sinks in before the coffee is ready.', 'Eight ingredients and no more.', 'Leaves neither shine nor film.', 'Calms skin after sun and wind.', 'Suits people with allergies.']),
    leaf('make-up', 'Make-up', [7, 70], [['Lipstick', 'lipstick'], ['Nail Polish', 'nail-polish'], ['Blush', 'mirror']], { shade: ['Coral', 'Berry', 'Nude', 'Brick', 'Plum', 'Rosewood'], finish: ['Matt', 'Satin', 'Gloss'] }, ['Stays through lunch.', 'Applies in one stroke.', 'Comes off with water and oil.', 'The case is metal and takes refills.', 'Shades were made with people of every skin.']),
    leaf('hair-care', 'Hair Care', [6, 180], [['Shampoo Bar', 'soap', [6, 19]], ['Hair Comb', 'hair-pick', [8, 48]], ['Hair Ribbon', 'ribbon', [5, 22]]], { hair: ['Fine', 'Curly', 'Coloured', 'All hair'], scent: ['Rosemary', 'Mint', 'Citrus', 'Unscented'] }, ['Lasts as long as three bottles.', 'Teeth are sawn and polished, not moulded.', 'Leaves curls springy.', 'Rinses clean in hard water.', 'Does not pull and does not charge.']),
    leaf('shaving', 'Shaving & Grooming', [9, 160], [['Safety Razor', 'razor'], ['Shaving Set', 'barber-pole', [45, 160]], ['Toothbrush Set', 'toothbrush', [6, 29]]], { material: ['Brass', 'Olive wood', 'Bamboo', 'Stainless steel'], pieces: ['1 piece', '2 pieces', '4 pieces'] }, ['Takes every common blade.', 'Balanced so that it needs no pressure.', 'Dries standing, and stays clean.', 'Bristles end round.', 'A handle for decades.'])
  ]
}

export const baby: Department = {
  slug: 'baby',
  name: 'Baby & Child',
  brands: {
    stems: ['Acorn', 'Bunting', 'Cradlewood', 'Dandelion', 'Elfin', 'Firststep', 'Goosling', 'Hushaby', 'Iglet', 'Jellybee', 'Kitewing', 'Lullaby', 'Mossling', 'Nestling', 'Owlet', 'Peekaboo', 'Quillby', 'Rockabye', 'Snuggleton', 'Tumbledown'],
    styles: ['', ' Baby', ' & Cub']
  },
  promises: ['Tested by an independent laboratory.', 'Handed down easily: parts and covers are available.', 'Washes at sixty degrees.', 'Safe to bite.'],
  leaves: [
    leaf('baby-feeding', 'Feeding', [5, 90], [['Baby Bottle', 'baby-bottle'], ['Feeding Spoon', 'spoon'], ['Milk Cup', 'glass-of-milk']], { capacity: ['120 ml', '240 ml', '330 ml'], color: ['Sage Green', 'Cream', 'Sky Blue', 'Terracotta'], material: ['Glass', 'Silicone', 'Steel'] }, ['Flows as slowly as the real thing.', 'Three parts, all easy to clean.', 'Falls without breaking.', 'Soft where gums meet it.', 'The scale can be felt.']),
    leaf('baby-care', 'Care & Sleep', [6, 220], [['Night Light', 'crescent-moon', [16, 65]], ['Baby Bath', 'bathtub', [29, 95]], ['Sleeping Bag', 'zzz', [35, 140]]], { color: ['Cream', 'Lavender', 'Sage Green', 'Sky Blue'], age: ['0-6 months', '6-18 months', '18-36 months'] }, ['Dims by itself after half an hour.', 'Zips from below for changes at night.', 'Keeps a steady warmth without a blanket.', 'Shows when water is right.', 'No loose part, no cord.']),
    leaf('soft-toys', 'Soft Toys', [8, 75], [['Teddy Bear', 'teddy-bear'], ['Plush Rabbit', 'rabbit'], ['Plush Elephant', 'elephant'], ['Plush Unicorn', 'unicorn']], { size: ['20 cm', '30 cm', '45 cm'], material: ['Organic cotton', 'Wool', 'Recycled plush'] }, ['Eyes are stitched.', 'Looks as if it knew something.', 'Survives the washing machine every Sunday.', 'Stuffed with sheep\'s wool.', 'Grows a character with time.']),
    leaf('first-toys', 'First Toys', [7, 95], [['Stacking Toy', 'nesting-dolls'], ['Wooden Train', 'locomotive'], ['Toy Car', 'automobile'], ['Toy Tractor', 'tractor']], { age: ['From 1 year', 'From 2 years', 'From 3 years'], material: ['Beech', 'Maple', 'Recycled plastic'], color: ['Signal Red', 'Sky Blue', 'Sunflower', 'Forest Green'] }, ['Painted with colours made for mouths.', 'Edges rounded by hand.', 'Runs on the tracks of other makers.', 'Has no batteries and makes no noise of its own.', 'Stands, rolls, stacks and falls.'])
  ]
}

export const health: Department = {
  slug: 'health',
  name: 'Health',
  brands: {
    stems: ['Amberwell', 'Balmoral', 'Carewell', 'Dailyvita', 'Equilibra', 'Fennelway', 'Goodwell', 'Herbology', 'Innerlight', 'Jubilant', 'Kindwell', 'Lifespan', 'Medley', 'Naturell', 'Oakwell', 'Purelle', 'Quietude', 'Restwell', 'Sanova', 'Tonica'],
    styles: ['', ' Health', ' Care']
  },
  promises: ['Made under pharmaceutical standards.', 'Ask your pharmacist when in doubt.', 'Batch and date are on every pack.', 'Developed with nurses.'],
  leaves: [
    leaf('first-aid', 'First Aid', [5, 95], [['Plaster Box', 'adhesive-bandage', [5, 18]], ['Thermometer', 'thermometer', [9, 45]], ['Stethoscope', 'stethoscope', [22, 95]]], { pieces: ['1 piece', '20 pieces', '48 pieces', '90 pieces'], size: ['Travel', 'Home', 'Workplace'] }, ['Opens with one hand.', 'Shows a result in ten seconds.', 'Keeps sterile for five years.', 'Comes with a booklet that is read in a minute.', 'Sticks to knees that move.']),
    leaf('vitamins', 'Vitamins & Supplements', [7, 68], [['Vitamin Capsules', 'pill'], ['Herbal Tea', 'herb', [5, 18]], ['Ginger Extract', 'ginger-root']], { pieces: ['30 pieces', '60 pieces', '120 pieces'], form: ['Capsule', 'Tablet', 'Loose tea', 'Drops'] }, ['No sugar, no colour, no coating.', 'Suitable for vegans.', 'One a day, with or without food.', 'The leaves are dried in the shade.', 'Analysed by batch.']),
    leaf('mobility', 'Mobility & Comfort', [12, 480], [['Walking Crutch', 'crutch', [25, 140]], ['White Cane', 'white-cane', [29, 120]], ['Massage Roller', 'roll-of-paper', [14, 58]]], { height: ['Small', 'Medium', 'Large', 'Adjustable'], material: ['Aluminium', 'Carbon', 'Cork'] }, ['Grip follows the hand.', 'Does not slip on wet stone.', 'Folds into a handbag.', 'Quiet in a library.', 'Carries 150 kilograms.'])
  ]
}

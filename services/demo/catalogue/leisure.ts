import { leaf, type Department, type Leaf } from './types.ts'

const BRIGHT = ['Signal Red', 'Sky Blue', 'Sunflower', 'Forest Green', 'Graphite', 'Lavender']
const book = (...args: Parameters<typeof leaf>): Leaf => ({ ...leaf(...args), book: true })
const PRINT = { format: ['Paperback', 'Hardcover'], pages: ['192 pages', '256 pages', '320 pages', '416 pages', '528 pages'], language: ['English', 'German', 'Spanish', 'French'] }

export const sports: Department = {
  slug: 'sports',
  name: 'Sports & Fitness',
  secondHand: true,
  brands: {
    stems: ['Altius', 'Breakaway', 'Cadence', 'Deuce', 'Endline', 'Fleetfoot', 'Gridiron', 'Hurdle', 'Ironside', 'Jumpstart', 'Kinetix', 'Longstride', 'Matchpoint', 'Northface Lane', 'Overhand', 'Pacemaker', 'Quickstep', 'Relay', 'Sprintwell', 'Topspin'],
    styles: ['', ' Sport', ' Athletics']
  },
  promises: ['Tested by a club for a season.', 'Guaranteed for two years of training.', 'Repaired by us when it tears.', 'Size can be exchanged after the first use.'],
  leaves: [
    leaf('ball-sports', 'Ball Sports', [9, 140], [['Football', 'soccer-ball'], ['Basketball', 'basketball'], ['Volleyball', 'volleyball'], ['Baseball', 'baseball'], ['Rugby Ball', 'rugby-football']], { size: ['Size 3', 'Size 4', 'Size 5', 'Size 7'], color: BRIGHT, surface: ['Grass', 'Hall', 'Sand', 'Street'] }, ['Flies true because the panels are bonded.', 'Keeps its air for a month.', 'Grips in the rain.', 'Approved for matches.', 'Made in a factory without child labour, and audited.']),
    leaf('racket-sports', 'Racket Sports', [12, 260], [['Tennis Racket', 'tennis'], ['Table Tennis Set', 'ping-pong'], ['Badminton Set', 'badminton']], { level: ['Beginner', 'Club', 'Tournament'], weight: ['Light', 'Medium', 'Heavy'], color: BRIGHT }, ['Strung and ready for a match.', 'The sweet spot is as large as rules allow.', 'Absorbs the shock before the elbow.', 'The grip takes sweat and stays dry.', 'Comes with a cover and balls.']),
    leaf('fitness', 'Fitness', [8, 420], [['Training Gloves', 'boxing-glove', [19, 120]], ['Weight Set', 'person-lifting-weights', [39, 420]], ['Running Vest', 'safety-vest', [14, 75]]], { size: ['S', 'M', 'L', 'XL'], color: BRIGHT }, ['Stays quiet on a wooden floor.', 'Marked in kilograms and pounds.', 'Padding does not wander.', 'Stores under a bed.', 'A programme for twelve weeks is included.']),
    leaf('winter-sports', 'Winter Sports', [18, 640], [['Skis', 'skis', [190, 640]], ['Ice Skates', 'ice-skate', [59, 280]], ['Sled', 'sled', [29, 140]], ['Curling Stone', 'curling-stone', [180, 520]]], { length: ['90 cm', '150 cm', '165 cm', '178 cm'], level: ['Beginner', 'Advanced', 'Expert'], color: BRIGHT }, ['Forgives a late turn.', 'Edges are sharp out of the box.', 'Light to carry up the hill.', 'Holds on ice.', 'Waxed at the factory.']),
    leaf('water-sports', 'Water Sports', [9, 720], [['Canoe', 'canoe', [290, 980]], ['Diving Mask', 'diving-mask', [19, 120]], ['Swim Ring', 'ring-buoy', [9, 45]], ['Swimsuit', 'one-piece-swimsuit', [24, 110]]], { size: ['S', 'M', 'L', 'XL'], color: BRIGHT }, ['Stands chlorine and salt.', 'Does not fog.', 'Packs into a rucksack.', 'Sits firmly without pressing.', 'Floats, whatever happens.']),
    leaf('camping', 'Camping & Hiking', [12, 680], [['Tent', 'tent', [99, 680]], ['Camping Set', 'camping', [59, 320]], ['Compass', 'compass', [14, 75]], ['Climbing Rope', 'knot', [49, 220]]], { season: ['Summer', 'Three seasons', 'Winter'], persons: ['1 person', '2 persons', '4 persons'], color: BRIGHT }, ['Pitched by one person in five minutes.', 'Stands a gale and a night of rain.', 'Weighs what one is ready to carry.', 'Poles can be mended on the way.', 'Breathes, so that mornings are dry.']),
    leaf('fishing', 'Fishing', [7, 340], [['Fishing Rod', 'fishing-pole', [35, 340]], ['Fish Hooks', 'hook', [4, 19]], ['Fishing Boat', 'speedboat', [390, 1600]]], { length: ['1.8 m', '2.4 m', '3.0 m', '3.9 m'], water: ['River', 'Lake', 'Sea'] }, ['Feels a bite through twenty metres of line.', 'The reel turns on six bearings.', 'Comes apart into pieces of a forearm\'s length.', 'Cork handles that grow darker and better.', 'Resists salt.'])
  ]
}

export const toys: Department = {
  slug: 'toys',
  name: 'Toys & Games',
  brands: {
    stems: ['Alphabet', 'Bagatelle', 'Carousel', 'Dominoes', 'Enigma', 'Fidget', 'Gobstone', 'Hopscotch', 'Imagino', 'Jigsaw', 'Kaleido', 'Ludo', 'Marble', 'Ninepin', 'Origamo', 'Pinwheel', 'Quizzical', 'Riddleton', 'Skittle', 'Tinkertop'],
    styles: ['', ' Games', ' Toys']
  },
  promises: ['Missing pieces are replaced free of charge.', 'Plays without batteries.', 'Rules come in five languages.', 'Made to be inherited.'],
  leaves: [
    leaf('board-games', 'Board Games', [9, 110], [['Strategy Game', 'chess-pawn', [24, 110]], ['Dice Game', 'game-die', [9, 28]], ['Card Game', 'joker', [8, 24]], ['Tile Game', 'mahjong-red-dragon']], { players: ['1-4 players', '2 players', '2-6 players', '3-8 players'], age: ['From 6 years', 'From 8 years', 'From 12 years'], duration: ['20 minutes', '45 minutes', '90 minutes'] }, ['Explained in five minutes, not mastered in five years.', 'Nobody is out before the end.', 'Different each time.', 'The box is half the usual size.', 'Loved by those who say they do not play.']),
    leaf('puzzles', 'Puzzles', [8, 65], [['Jigsaw Puzzle', 'puzzle-piece'], ['Brain Teaser', 'puzzle-piece'], ['Abacus', 'abacus']], { pieces: ['100 pieces', '500 pieces', '1,000 pieces', '2,000 pieces'], theme: ['Nature', 'Cities', 'Art', 'Maps'] }, ['Pieces fit with a click.', 'Cut from grey board without glare.', 'The picture was painted for it.', 'No two pieces are alike.', 'A bag and a poster are included.']),
    leaf('outdoor-play', 'Outdoor Play', [5, 260], [['Kite', 'kite'], ['Flying Disc', 'flying-disc', [8, 26]], ['Water Blaster', 'water-pistol'], ['Yo-Yo', 'yo-yo', [6, 28]], ['Boomerang', 'boomerang', [9, 32]]], { color: BRIGHT, age: ['From 4 years', 'From 6 years', 'From 8 years'] }, ['Flies in a light breeze.', 'Comes back if asked well.', 'Mended with tape.', 'Fits into a rucksack.', 'Calls children away from screens.']),
    leaf('dolls-figures', 'Dolls & Figures', [9, 120], [['Robot Figure', 'robot'], ['Dinosaur Figure', 't-rex'], ['Long-Neck Dinosaur', 'sauropod'], ['Dragon Figure', 'dragon']], { size: ['10 cm', '18 cm', '30 cm'], age: ['From 3 years', 'From 5 years', 'From 8 years'] }, ['Every joint moves and holds.', 'Modelled with the help of a museum.', 'Painted by hand.', 'Has a name and a story inside the box.', 'Stands on its own feet.']),
    leaf('craft-kits', 'Craft & Magic', [7, 90], [['Magic Set', 'magic-wand'], ['Sewing Kit', 'sewing-needle'], ['Knitting Kit', 'yarn'], ['Slime Kit', 'test-tube']], { age: ['From 5 years', 'From 8 years', 'From 10 years'], pieces: ['20 pieces', '40 pieces', '75 pieces'] }, ['Everything needed is in the box.', 'First success within the hour.', 'Twelve projects from easy to proud.', 'Washes out of clothes.', 'The book explains why it works.']),
    leaf('party', 'Party', [4, 60], [['Balloon Set', 'balloon'], ['Party Poppers', 'party-popper'], ['Piñata', 'piata'], ['Confetti', 'confetti-ball']], { color: BRIGHT, pieces: ['10 pieces', '20 pieces', '50 pieces'] }, ['Made of paper and natural rubber.', 'Enough for a class of children.', 'Sweeps up in a minute.', 'Reusable garlands of cloth.', 'Fills with a breath, not with helium.'])
  ]
}

export const books: Department = {
  slug: 'books',
  name: 'Books',
  secondHand: true,
  brands: {
    stems: ['Antler', 'Birchbark', 'Candlemas', 'Driftwood', 'Elderflower', 'Folio', 'Greenhouse', 'Halyard', 'Inglenook', 'Jubilee', 'Kingfisher', 'Lanternlight', 'Moorland', 'Nightjar', 'Old Harbour', 'Paperboat', 'Quarterdeck', 'Red Kite', 'Stonecrop', 'Tidewater'],
    styles: [' Press', ' Books', ' Editions']
  },
  promises: ['Printed on paper that does not yellow.', 'Sewn, so that it opens flat.', 'Set in a type that is kind to tired eyes.', 'With a ribbon, where it is bound in cloth.'],
  leaves: [
    book('novels', 'Novels', [8, 34], [['Novel', 'closed-book'], ['Family Saga', 'books'], ['Collected Stories', 'open-book']], PRINT, ['Follows three generations of a family through one long summer.', 'A stranger arrives with the ferry, and a village begins to remember.', 'Told in letters that were never sent.', 'Funny until it is suddenly not.', 'Won the prize of the independent booksellers.', 'A first novel that reads like a fifth.']),
    book('crime', 'Crime & Thrillers', [8, 30], [['Crime Novel', 'orange-book'], ['Thriller', 'closed-book'], ['Detective Story', 'detective']], PRINT, ['An inspector returns to the town that she left twenty years ago.', 'Nothing on the island is locked, and yet a safe is empty.', 'The only witness is a parrot.', 'Turns at the last page but one.', 'Based on the files of a closed archive.', 'Set in one night, in one train.']),
    book('science-books', 'Science & Nature', [12, 58], [['Popular Science', 'blue-book'], ['Field Guide', 'green-book'], ['Astronomy Atlas', 'ringed-planet']], PRINT, ['Explains without formulas, and then with them.', 'Two hundred plates were drawn for this edition.', 'Written by somebody who does the measuring.', 'Answers what a curious child asks next.', 'With a register that finds everything.', 'Revised and brought up to date.']),
    book('cook-books', 'Cookery', [14, 48], [['Cookbook', 'orange-book'], ['Baking Book', 'bread'], ['Vegetarian Cookbook', 'green-salad']], PRINT, ['Eighty recipes with nine ingredients at most.', 'Each was cooked three times by people who are no cooks.', 'Sorted by what is in the cupboard.', 'Says how to save a dish that went wrong.', 'Pages may be wiped.', 'Menus for every season.']),
    book('children-books', 'Children\'s Books', [7, 28], [['Picture Book', 'rainbow'], ['Adventure Story', 'castle'], ['Bedtime Stories', 'crescent-moon']], PRINT, ['Read aloud in ten minutes, asked for every evening.', 'Drawn in ink and watercolour.', 'A hedgehog learns to say no.', 'Rhymes that both remember.', 'There is something to find on each page.', 'Brave, silly and true.']),
    book('travel-books', 'Travel & Maps', [9, 42], [['Travel Guide', 'compass'], ['Walking Guide', 'national-park'], ['Travel Diary', 'world-map', [9, 24]]], PRINT, ['Forty walks, each with a map and a place to eat.', 'Written by people who live there.', 'By train and on foot.', 'Says what to leave out.', 'With words for the bakery and the doctor.', 'Fits into a coat pocket.'])
  ]
}

export const music: Department = {
  slug: 'music',
  name: 'Music & Instruments',
  secondHand: true,
  brands: {
    stems: ['Adagio', 'Ballad', 'Cantabile', 'Duetto', 'Encore', 'Fermata', 'Glissando', 'Harmonia', 'Interlude', 'Jubilato', 'Klangholz', 'Legato', 'Maestoso', 'Nocturne', 'Ostinato', 'Pizzicato', 'Quartetto', 'Rubato', 'Serenade', 'Tremolo'],
    styles: ['', ' Instruments', ' & Brothers']
  },
  promises: ['Set up and tuned before it is sent.', 'Serviced once free of charge.', 'Comes with case and cloth.', 'Lessons for the first month are included.'],
  leaves: [
    leaf('guitars', 'Guitars & Strings', [60, 1600], [['Acoustic Guitar', 'guitar'], ['Electric Guitar', 'guitar'], ['Violin', 'violin', [120, 1600]], ['Banjo', 'banjo']], { size: ['1/2', '3/4', '4/4'], wood: ['Spruce', 'Cedar', 'Mahogany', 'Maple'], color: ['Natural', 'Sunburst', 'Graphite', 'Signal Red'] }, ['The top is solid and opens with playing.', 'The neck is comfortable for small hands.', 'Stays in tune through a concert.', 'Speaks easily and sings long.', 'Made by a workshop of nine people.']),
    leaf('keyboards-pianos', 'Keys', [70, 1900], [['Stage Piano', 'musical-keyboard', [320, 1900]], ['Synthesizer', 'control-knobs'], ['Accordion', 'accordion', [280, 1900]]], { keys: ['37 keys', '61 keys', '88 keys'], color: ['Graphite', 'Cream', 'Walnut'] }, ['Keys are weighted like those of a grand.', 'Headphones make midnight possible.', 'Knobs do one thing each.', 'Records without a computer.', 'Fits under one arm.']),
    leaf('wind', 'Wind & Brass', [25, 1400], [['Saxophone', 'saxophone', [320, 1400]], ['Trumpet', 'trumpet', [160, 980]], ['Flute', 'flute', [25, 640]], ['Hunting Horn', 'postal-horn', [45, 320]]], { tuning: ['B flat', 'C', 'E flat', 'F'], finish: ['Brass', 'Silver', 'Lacquer', 'Wood'] }, ['Answers at the softest breath.', 'Valves are lapped by hand.', 'Pads close without a click.', 'Grows with its player.', 'Warm below, bright above.']),
    leaf('percussion', 'Percussion', [9, 780], [['Hand Drum', 'drum', [39, 780]], ['Djembe', 'long-drum', [69, 420]], ['Maracas', 'maracas', [9, 39]], ['Hand Bell', 'bellhop-bell', [14, 65]]], { size: ['8 inch', '10 inch', '12 inch', '14 inch'], material: ['Mahogany', 'Beech', 'Brass', 'Bamboo'] }, ['The skin is tuned by rope.', 'Speaks under fingertips as under sticks.', 'Shells are turned from one piece.', 'Loud enough for a parade.', 'Packs one into the other.']),
    leaf('records', 'Records & Scores', [9, 75], [['Vinyl Record', 'optical-disk', [14, 48]], ['Sheet Music', 'musical-score', [9, 38]], ['Radio', 'radio', [35, 190]]], { genre: ['Jazz', 'Classical', 'Folk', 'Soul', 'Ambient'], format: ['LP', '2 LP', 'Score', 'Device'] }, ['Cut from the original tapes.', 'Pressed on 180 grams.', 'Fingerings by a teacher of thirty years.', 'Notes by the musicians themselves.', 'A sleeve to hang on a wall.'])
  ]
}

export const grocery: Department = {
  slug: 'grocery',
  name: 'Grocery & Gourmet',
  brands: {
    stems: ['Almondhill', 'Beehouse', 'Cocoabean', 'Dalewood', 'Earlgrove', 'Figtree', 'Goldcrust', 'Hazelbrook', 'Islander', 'Jamwell', 'Kornhaus', 'Lemontree', 'Maltings', 'Northmill', 'Olivara', 'Pantry Lane', 'Quernstone', 'Ryefield', 'Sugarloaf', 'Treacle'],
    styles: ['', ' Foods', ' Provisions']
  },
  promises: ['From farms that we can name.', 'Best before dates are honest.', 'No palm oil, no flavouring.', 'Packed in glass or paper.'],
  leaves: [
    leaf('chocolate', 'Chocolate & Sweets', [3, 48], [['Dark Chocolate', 'chocolate-bar'], ['Candy Mix', 'candy'], ['Lollipops', 'lollipop'], ['Fortune Cookies', 'fortune-cookie']], { flavor: ['Sea Salt', 'Orange', 'Hazelnut', 'Mint', 'Plain'], weight: ['80 g', '200 g', '500 g'] }, ['Roasted, ground and poured in one house.', 'Two ingredients, three at most.', 'Snaps when it is broken.', 'Cocoa comes by sailing ship.', 'Not too sweet.']),
    leaf('tea', 'Tea & Coffee Beans', [4, 42], [['Green Tea', 'teacup-without-handle'], ['Coffee Beans', 'beans'], ['Mate Tea', 'mate'], ['Bubble Tea Kit', 'bubble-tea', [12, 36]]], { weight: ['100 g', '250 g', '500 g', '1 kg'], roast: ['Light', 'Medium', 'Dark', 'Unroasted'] }, ['Picked in spring and flown nowhere.', 'Roasted on Tuesdays, sent on Wednesdays.', 'Tastes of hay, apricot and rain.', 'Bought from the grower at twice the market price.', 'Good for three infusions.']),
    leaf('pantry', 'Pantry', [3, 38], [['Wildflower Honey', 'honey-pot'], ['Olive Oil', 'olive', [9, 38]], ['Spaghetti', 'spaghetti', [3, 9]], ['Hot Sauce', 'hot-pepper', [5, 18]], ['Sea Salt', 'salt', [3, 14]]], { weight: ['250 g', '500 g', '1 kg'], origin: ['Italy', 'Spain', 'Greece', 'Oregon', 'Vermont'] }, ['Cold-pressed within hours of the harvest.', 'Drawn through bronze and dried for two days.', 'Never heated, never stirred.', 'A spoonful changes a soup.', 'From a cooperative of forty families.']),
    leaf('bakery', 'Bakery', [3, 32], [['Sourdough Bread', 'bread'], ['Butter Croissants', 'croissant'], ['Oat Cookies', 'cookie'], ['Pretzels', 'pretzel'], ['Bagels', 'bagel']], { pieces: ['1 piece', '4 pieces', '8 pieces', '12 pieces'], flour: ['Wheat', 'Rye', 'Spelt', 'Oat'] }, ['Rises for thirty-six hours.', 'Baked on stone.', 'Freezes well and crisps up in five minutes.', 'Butter, and nothing in its place.', 'Still warm when it leaves.']),
    leaf('cheese', 'Cheese & Delicatessen', [4, 68], [['Mountain Cheese', 'cheese-wedge', [9, 68]], ['Smoked Bacon', 'bacon', [7, 28]], ['Salted Butter', 'butter', [4, 12]], ['Fondue Set', 'fondue', [35, 110]]], { weight: ['200 g', '400 g', '1 kg'], ripening: ['3 months', '9 months', '18 months', '30 months'] }, ['Made from the milk of one herd.', 'Turned by hand each week.', 'Smoked over beech for two nights.', 'Melts without oil.', 'Sent with ice, on weekdays only.']),
    leaf('fruit-nuts', 'Fruit & Nuts', [3, 36], [['Dried Apricots', 'peach'], ['Roasted Peanuts', 'peanuts'], ['Chestnuts', 'chestnut'], ['Blueberries', 'blueberries'], ['Coconut Chips', 'coconut']], { weight: ['150 g', '400 g', '1 kg'], grade: ['Organic', 'Wild', 'Conventional'] }, ['Dried in the sun and not sulphured.', 'This year\'s harvest.', 'Sorted by eye.', 'Sweet by nature.', 'In a bag that closes again.'])
  ]
}

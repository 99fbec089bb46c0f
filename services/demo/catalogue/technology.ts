import { leaf, type Department } from './types.ts'

const COLORS = ['Graphite', 'Midnight Blue', 'Silver', 'Cloud White', 'Forest Green']

export const electronics: Department = {
  slug: 'electronics',
  name: 'Electronics',
  secondHand: true,
  brands: {
    stems: ['Auralis', 'Bitwell', 'Corvane', 'Deltrix', 'Elowatt', 'Fluxion', 'Glintech', 'Halvorn', 'Ionique', 'Jovanta', 'Kestrex', 'Lumenix', 'Mirador', 'Novalink', 'Orbitus', 'Pixelane', 'Quantel', 'Resona', 'Solvex', 'Tessaro'],
    styles: ['', ' Labs', ' Works']
  },
  promises: ['Comes with a two-year guarantee.', 'Spare parts are available for seven years.', 'Packed without plastic, with a printed quick-start guide.', 'Firmware updates are free for the life of the product.'],
  groups: [
    {
      slug: 'computers',
      name: 'Computers',
      leaves: [
        leaf('laptops', 'Laptops', [420, 2400], [['Laptop', 'laptop'], ['Ultrabook', 'laptop'], ['Convertible Notebook', 'laptop']], { memory: ['8 GB', '16 GB', '32 GB', '64 GB'], storage: ['256 GB', '512 GB', '1 TB', '2 TB'], screen: ['13.3 inch', '14 inch', '15.6 inch', '16 inch'], color: COLORS }, [
          'The keyboard has full travel and a backlight that follows the room.', 'A full charge lasts a working day of documents, calls and browsing.', 'Two USB-C ports charge, drive a display and carry data.', 'The fan stays silent in everyday work.', 'The hinge opens with one finger and holds at any angle.', 'Memory and drive can be replaced with a single screwdriver.'
        ]),
        leaf('monitors', 'Monitors', [110, 900], [['Monitor', 'desktop-computer'], ['Curved Monitor', 'desktop-computer'], ['Studio Display', 'desktop-computer']], { screen: ['24 inch', '27 inch', '32 inch', '34 inch'], resolution: ['Full HD', 'QHD', '4K UHD'], refresh: ['60 Hz', '75 Hz', '144 Hz', '165 Hz'], color: COLORS.slice(0, 4) }, [
          'The panel is calibrated before it leaves the factory and covers the whole sRGB range.', 'Height, tilt and rotation adjust without tools.', 'One USB-C cable brings picture, data and power.', 'A matt surface keeps reflections off the page.', 'Two computers can share keyboard and mouse through the built-in switch.'
        ]),
        leaf('keyboards', 'Keyboards', [25, 220], [['Mechanical Keyboard', 'keyboard'], ['Wireless Keyboard', 'keyboard'], ['Compact Keyboard', 'keyboard']], { layout: ['US', 'UK', 'Nordic', 'German'], switches: ['Linear', 'Tactile', 'Silent', 'Scissor'], connectivity: ['USB-C', 'Bluetooth', '2.4 GHz'], color: COLORS }, [
          'Keycaps are double-shot, so the legends never wear off.', 'Pairs with three devices and changes between them with one key.', 'The plate is gasket-mounted, which makes typing softer and quieter.', 'Every key can be remapped, and the layout is kept in the keyboard itself.', 'A charge lasts for months of daily typing.'
        ]),
        leaf('mice', 'Mice & Pointing', [15, 130], [['Wireless Mouse', 'computer-mouse'], ['Ergonomic Mouse', 'computer-mouse'], ['Trackball', 'trackball', [35, 130]]], { color: COLORS, connectivity: ['Bluetooth', '2.4 GHz', 'USB-C'], hand: ['Right-handed', 'Left-handed', 'Both hands'] }, [
          'The sensor tracks on glass as well as on wood.', 'Clicks are damped, for shared rooms and late hours.', 'The shape fills the palm, so the wrist stays straight.', 'One minute of charging is enough for three hours.', 'Side buttons can be given any task.'
        ]),
        leaf('storage-drives', 'Storage', [30, 420], [['Portable SSD', 'floppy-disk'], ['Backup Drive', 'computer-disk'], ['Memory Stick', 'floppy-disk']], { capacity: ['500 GB', '1 TB', '2 TB', '4 TB'], interface: ['USB 3.2', 'USB4', 'Thunderbolt'], color: COLORS.slice(0, 4) }, [
          'Survives a drop from two metres onto concrete.', 'Encrypts in hardware; without the password the data is noise.', 'Copies a feature-length film in a few seconds.', 'Works with cameras, tablets, televisions and consoles without a driver.', 'The shell carries heat away, so speed holds during long transfers.'
        ]),
        leaf('printers', 'Printers', [80, 520], [['Laser Printer', 'printer', [120, 520]], ['Photo Printer', 'printer', [90, 420]], ['Label Printer', 'printer', [60, 190]]], { format: ['A4', 'A3', 'Letter', 'Label roll'], connectivity: ['USB', 'Wi-Fi', 'Ethernet'], speed: ['12 pages/min', '24 pages/min', '38 pages/min'] }, [
          'Prints on both sides by itself and saves half of the paper.', 'Wakes in two seconds and sleeps below one watt.', 'Refills by bottle, with no cartridges to throw away.', 'Takes jobs from phones as well as from computers.', 'The paper path opens from the front, so a jam is cleared in seconds.'
        ])
      ]
    },
    {
      slug: 'audio',
      name: 'Audio',
      leaves: [
        leaf('headphones', 'Headphones', [35, 480], [['Wireless Headphones', 'headphone'], ['Studio Headphones', 'headphone'], ['Noise-Cancelling Headphones', 'headphone']], { color: COLORS, connectivity: ['Bluetooth', 'Cable', 'Bluetooth and cable'], battery: ['24 hours', '35 hours', '50 hours'] }, [
          'Cushions of memory foam rest lightly on the head, with glasses too.', 'Six microphones take traffic and engines out of the music.', 'Folds flat into the case that is included.', 'Cushions, band and cable can be replaced by hand.', 'Voices stay clear in wind and in open offices.', 'Tuned by ear to sound natural rather than loud.'
        ]),
        leaf('speakers', 'Speakers', [40, 650], [['Bluetooth Speaker', 'speaker-high-volume'], ['Bookshelf Speaker', 'speaker-high-volume', [90, 520]], ['Party Speaker', 'loudspeaker', [120, 650]]], { color: COLORS, power: ['10 W', '30 W', '60 W', '120 W'], protection: ['IPX4', 'IP67', 'None'] }, [
          'Two of them pair to stereo at the press of a button.', 'The bass is deep for its size because the cabinet has no parallel walls.', 'Plays through an evening and a breakfast on one charge.', 'The cloth comes off and can be washed.', 'Streams from phones, turntables and televisions.'
        ]),
        leaf('microphones', 'Microphones', [45, 520], [['Studio Microphone', 'studio-microphone'], ['Vocal Microphone', 'microphone'], ['Podcast Microphone', 'studio-microphone']], { pattern: ['Cardioid', 'Omnidirectional', 'Figure-eight'], connectivity: ['XLR', 'USB-C', 'XLR and USB-C'], color: COLORS.slice(0, 3) }, [
          'Takes whispers and shouts without distortion.', 'The shock mount keeps steps and typing out of the recording.', 'A gain dial and a mute key are where the thumb expects them.', 'Rejects the room and keeps the voice.', 'Delivered with stand, pop filter and cable.'
        ])
      ]
    },
    {
      slug: 'photo-video',
      name: 'Photo & Video',
      leaves: [
        leaf('cameras', 'Cameras', [260, 2800], [['Mirrorless Camera', 'camera', [520, 2800]], ['Compact Camera', 'camera-with-flash', [160, 780]], ['Action Camera', 'video-camera', [140, 480]]], { resolution: ['20 MP', '24 MP', '33 MP', '45 MP'], sensor: ['1 inch', 'APS-C', 'Full frame'], color: ['Graphite', 'Silver'] }, [
          'Focus finds the eye of a person, a dog or a bird and stays on it.', 'The body is sealed against dust and rain.', 'Films in 4K without a time limit.', 'Two card slots keep a copy of every picture.', 'The stabiliser gives five stops, enough for a candle-lit room by hand.'
        ]),
        leaf('projectors', 'Projectors', [140, 1900], [['Home Projector', 'film-projector'], ['Portable Projector', 'film-projector'], ['Movie Camera', 'movie-camera', [380, 1900]]], { resolution: ['Full HD', '4K UHD'], brightness: ['500 lumens', '1,200 lumens', '2,500 lumens'], color: COLORS.slice(1, 4) }, [
          'Squares the picture by itself, however it stands.', 'Throws a picture of two metres from less than three.', 'The light source lasts for twenty years of weekend films.', 'Runs quieter than a whisper.', 'Starts within ten seconds.'
        ]),
        leaf('telescopes', 'Telescopes & Optics', [60, 950], [['Telescope', 'telescope'], ['Spotting Scope', 'telescope'], ['Microscope', 'microscope']], { aperture: ['60 mm', '80 mm', '114 mm', '130 mm'], magnification: ['30x', '60x', '120x', '200x'] }, [
          'The tripod stands still when the focus is touched.', 'All glass is multi-coated for bright edges.', 'Sets up in five minutes without tools.', 'Shows the rings of Saturn and the craters of the Moon.', 'A phone holder for pictures is included.'
        ])
      ]
    },
    {
      slug: 'phones-wearables',
      name: 'Phones & Wearables',
      leaves: [
        leaf('smartphones', 'Smartphones', [180, 1300], [['Smartphone', 'mobile-phone'], ['Outdoor Phone', 'mobile-phone']], { storage: ['128 GB', '256 GB', '512 GB'], color: COLORS, screen: ['5.8 inch', '6.1 inch', '6.7 inch'] }, [
          'Seven years of updates are promised in writing.', 'Battery, screen and port can be replaced at home.', 'The camera holds up after sunset.', 'Charges to half in twenty minutes.', 'Two numbers work at the same time.'
        ]),
        leaf('smartwatches', 'Smartwatches', [60, 520], [['Smartwatch', 'watch', [120, 520]], ['Fitness Watch', 'watch'], ['Sleep Tracker', 'stopwatch', [50, 140]]], { color: COLORS, size: ['38 mm', '42 mm', '46 mm'], battery: ['2 days', '7 days', '14 days'] }, [
          'Measures pulse, sleep and steps, and keeps them on the wrist.', 'Stays readable in full sun.', 'Swims down to fifty metres.', 'Straps change without tools.', 'Finds the way back without a phone.'
        ]),
        leaf('chargers', 'Chargers & Power', [12, 110], [['Power Bank', 'battery'], ['Wall Charger', 'electric-plug'], ['Charging Station', 'battery']], { power: ['20 W', '45 W', '65 W', '100 W'], capacity: ['5,000 mAh', '10,000 mAh', '20,000 mAh', 'Mains'], color: COLORS.slice(0, 4) }, [
          'Gives every port the power that it asks for.', 'Stays cool because the parts are gallium nitride.', 'Small enough for a trouser pocket.', 'The plugs fold away and change for travel.', 'A display shows minutes, not dots.'
        ]),
        leaf('game-consoles', 'Gaming', [30, 560], [['Game Controller', 'video-game', [30, 90]], ['Arcade Joystick', 'joystick', [40, 150]], ['Handheld Console', 'video-game', [160, 560]]], { color: COLORS, connectivity: ['Bluetooth', 'USB-C', '2.4 GHz'], players: ['1 player', '1-2 players', '1-4 players'] }, [
          'Sticks read a magnetic field, so they never drift.', 'Works with computers, phones and televisions.', 'The grip is textured where hands grow warm.', 'Plays for thirty hours on a charge.', 'Vibration tells gravel from grass.'
        ])
      ]
    }
  ]
}

export const tools: Department = {
  slug: 'tools',
  name: 'Tools & DIY',
  secondHand: true,
  brands: {
    stems: ['Anvilworth', 'Beckhammer', 'Crosscut', 'Drayton', 'Ferrowell', 'Gritstone', 'Hexmaster', 'Ironvale', 'Joinery', 'Kettleby', 'Latchford', 'Mortise', 'Oakhammer', 'Plumbline', 'Ratchford', 'Steelbrook', 'Torqwell', 'Underhill', 'Vicewell', 'Wrenfield'],
    styles: ['', ' Tools', ' & Sons']
  },
  promises: ['Guaranteed for ten years of private use.', 'Every wearing part can be ordered singly.', 'Made for daily work on a building site.', 'The case has a place for everything and shows what is missing.'],
  leaves: [
    leaf('hammers', 'Hammers & Striking', [12, 90], [['Claw Hammer', 'hammer'], ['Joiner\'s Hammer', 'hammer'], ['Splitting Axe', 'axe', [35, 90]]], { weight: ['300 g', '500 g', '800 g', '1,250 g'], handle: ['Hickory', 'Fibreglass', 'Forged steel'] }, ['The head is forged in one piece and hardened at the face.', 'The handle swallows the blow before it reaches the elbow.', 'Balanced for a full day of work.', 'A notch holds the first nail.', 'Wedged and glued, so that the head stays on.']),
    leaf('wrenches', 'Wrenches & Pliers', [9, 140], [['Adjustable Wrench', 'wrench', [12, 48]], ['Socket Set', 'nut-and-bolt', [35, 140]], ['Bar Clamp', 'clamp', [9, 45]]], { size: ['150 mm', '200 mm', '250 mm', '300 mm'], material: ['Chrome vanadium', 'Carbon steel', 'Titanium'] }, ['Jaws are machined to a tenth of a millimetre.', 'Holds rounded bolts by their flats.', 'The scale is engraved, not printed.', 'Opens with one hand.', 'A satin finish gives grip with oily fingers.']),
    leaf('screwdrivers', 'Screwdrivers', [8, 120], [['Screwdriver Set', 'screwdriver'], ['Precision Driver', 'screwdriver'], ['Cordless Driver', 'screwdriver', [45, 120]]], { pieces: ['6 pieces', '12 pieces', '32 pieces', '48 pieces'], tip: ['Slotted', 'Phillips', 'Torx', 'Mixed'] }, ['Tips are sand-blasted to bite into the screw.', 'Magnets hold even brass screws by their bit.', 'The handle does not roll off the bench.', 'Sizes are printed on both ends.', 'Insulated and tested one by one at ten thousand volts.']),
    leaf('saws', 'Saws & Cutting', [14, 260], [['Carpenter\'s Saw', 'carpentry-saw', [18, 110]], ['Pruning Saw', 'carpentry-saw'], ['Tin Snips', 'scissors', [14, 48]]], { length: ['250 mm', '350 mm', '500 mm', '600 mm'], teeth: ['Fine', 'Medium', 'Coarse'] }, ['Cuts on the pull, so the blade stays straight.', 'Teeth are hardened and stay sharp through knots.', 'Blades change without a tool.', 'The handle marks 45 and 90 degrees.', 'Leaves an edge that needs no sanding.']),
    leaf('toolboxes', 'Toolboxes & Storage', [18, 240], [['Toolbox', 'toolbox', [18, 130]], ['Parts Cabinet', 'file-cabinet', [45, 240]], ['Step Ladder', 'ladder', [39, 190]]], { material: ['Steel', 'Polypropylene', 'Aluminium'], size: ['Small', 'Medium', 'Large', 'Extra large'], color: ['Signal Red', 'Graphite', 'Sky Blue', 'Sunflower'] }, ['Carries sixty kilograms and can be stood on.', 'A seal keeps water and dust outside.', 'Stacks and locks with others of its series.', 'Hinges are steel pins, not plastic.', 'Trays lift out and open fully.']),
    leaf('measuring', 'Measuring & Layout', [6, 170], [['Steel Ruler', 'straight-ruler', [6, 28]], ['Set Square', 'triangular-ruler', [7, 34]], ['Bench Scale', 'balance-scale', [38, 170]]], { length: ['15 cm', '30 cm', '60 cm', '100 cm'], material: ['Stainless steel', 'Aluminium', 'Beech'] }, ['The scale starts at the very edge.', 'Marks are etched and can be felt.', 'Delivered with its own certificate of accuracy.', 'Does not bend in the sun.', 'Readable from both sides and by both hands.'])
  ]
}

export const automotive: Department = {
  slug: 'automotive',
  name: 'Car & Bicycle',
  secondHand: true,
  brands: {
    stems: ['Axlebrook', 'Bordway', 'Camberley', 'Drivewell', 'Endura', 'Fennimore', 'Gearhart', 'Hubwell', 'Interlink', 'Kerbstone', 'Longroad', 'Motoria', 'Nordspoke', 'Overlander', 'Pedalworks', 'Roadhaven', 'Spokehouse', 'Tirewell', 'Velora', 'Wheelwright'],
    styles: ['', ' Motion', ' Cycles']
  },
  promises: ['Fits without special tools.', 'Tested on ten thousand kilometres of bad road.', 'Three years of guarantee, also for daily commuters.', 'Instructions show every step as a picture.'],
  leaves: [
    leaf('bicycles', 'Bicycles', [240, 2600], [['City Bicycle', 'bicycle'], ['Touring Bicycle', 'bicycle'], ['Gravel Bicycle', 'bicycle']], { frame: ['Small', 'Medium', 'Large', 'Extra large'], color: ['Forest Green', 'Sky Blue', 'Signal Red', 'Graphite', 'Cream'], gears: ['Single speed', '8 gears', '11 gears', '24 gears'] }, ['The frame is butted steel that takes the sting out of cobbles.', 'Disc brakes stop in the wet as in the dry.', 'Arrives ready but for pedals and handlebar.', 'Mounts for racks, bottles and mudguards are everywhere.', 'The tyres have a layer that turns glass away.']),
    leaf('bike-parts', 'Bicycle Parts', [9, 180], [['Bicycle Wheel', 'wheel', [45, 180]], ['Bicycle Chain', 'chains', [14, 62]], ['Bicycle Bell', 'bell', [9, 32]]], { size: ['26 inch', '27.5 inch', '28 inch', 'Universal'], material: ['Aluminium', 'Steel', 'Brass'] }, ['True out of the box and stays so.', 'Bearings are sealed and can be replaced.', 'Fits hubs of every common maker.', 'Anodised against salt and sweat.', 'Weighed and inspected by hand.']),
    leaf('scooters', 'Scooters & Skates', [35, 780], [['Kick Scooter', 'kick-scooter', [59, 320]], ['Skateboard', 'skateboard', [45, 160]], ['Roller Skates', 'roller-skate', [49, 180]]], { color: ['Sky Blue', 'Signal Red', 'Sunflower', 'Graphite', 'Lavender'], load: ['60 kg', '100 kg', '120 kg'] }, ['Wheels of soft urethane swallow pebbles.', 'Folds in two seconds and stands by itself.', 'The deck grips wet shoes.', 'Grows with its rider through four heights.', 'Bearings roll long enough to be fun.']),
    leaf('car-care', 'Car Care', [7, 95], [['Car Wash Set', 'bucket'], ['Microfibre Sponge', 'sponge'], ['Wheel Cleaner', 'lotion-bottle']], { volume: ['250 ml', '500 ml', '1 l', '5 l'], scent: ['Neutral', 'Citrus', 'Pine'] }, ['Kind to clear coat, rubber and skin.', 'Leaves no streaks in the sun.', 'Concentrated: one cap for a bucket.', 'Beads water for three months.', 'Degrades within weeks in a drain.']),
    leaf('car-gadgets', 'Car Equipment', [14, 230], [['Dash Camera', 'video-camera', [69, 230]], ['Emergency Kit', 'toolbox', [24, 78]], ['Fire Extinguisher', 'fire-extinguisher', [22, 68]]], { mount: ['Suction cup', 'Clamp', 'Screws'], size: ['Compact', 'Standard', 'Large'] }, ['Works from forty below to eighty above freezing.', 'Stays put on corrugated roads.', 'Meets the rules of all European countries and the United States.', 'Ready with one hand in the dark.', 'Has a date that tells when to check it.'])
  ]
}

export const office: Department = {
  slug: 'office',
  name: 'Office & Stationery',
  brands: {
    stems: ['Archivo', 'Blotwell', 'Copperplate', 'Draftwell', 'Envelo', 'Foolscap', 'Graphos', 'Halfpenny', 'Inkstone', 'Jotter', 'Kraftly', 'Ledgerton', 'Margin', 'Notewell', 'Octavo', 'Paperwright', 'Quillon', 'Ruled', 'Scribner', 'Typeset'],
    styles: ['', ' Paper', ' & Quill']
  },
  promises: ['Paper comes from certified forests.', 'Refills are sold singly.', 'Designed to be kept, not to be thrown away.', 'Wrapped in paper tape only.'],
  leaves: [
    leaf('notebooks', 'Notebooks', [4, 38], [['Notebook', 'notebook'], ['Spiral Notebook', 'spiral-notepad'], ['Hardcover Journal', 'notebook-with-decorative-cover']], { size: ['A6', 'A5', 'A4', 'Pocket'], ruling: ['Ruled', 'Squared', 'Dotted', 'Plain'], color: ['Forest Green', 'Midnight Blue', 'Terracotta', 'Lavender', 'Cream'] }, ['Lies flat at every page.', 'Takes fountain pens without showing through.', 'Pages are numbered, with a table of contents to fill in.', 'The last pages tear out cleanly.', 'Bound with thread, not with glue.']),
    leaf('pens', 'Pens & Pencils', [3, 160], [['Fountain Pen', 'fountain-pen', [18, 160]], ['Ballpoint Pen', 'pen', [3, 38]], ['Drawing Pencils', 'pencil', [5, 32]]], { color: ['Midnight Blue', 'Graphite', 'Signal Red', 'Forest Green'], point: ['Extra fine', 'Fine', 'Medium', 'Broad'] }, ['Starts at once after a week without a cap.', 'Balanced for long letters.', 'The clip is sprung and holds to thick cloth.', 'Fills from bottle or cartridge.', 'Ink dries before the hand arrives.']),
    leaf('desk-organisers', 'Desk & Filing', [6, 140], [['File Organiser', 'card-file-box', [16, 90]], ['Clipboard', 'clipboard', [6, 24]], ['Desk Calendar', 'spiral-calendar', [9, 29]]], { material: ['Beech', 'Steel', 'Recycled board', 'Felt'], color: ['Cream', 'Graphite', 'Sage Green', 'Sky Blue'] }, ['Keeps a desk clear for the work itself.', 'Fits folders of A4 and Letter.', 'Cork feet spare the table.', 'Stacks without a tool.', 'Labels are included and can be written anew.']),
    leaf('art-supplies', 'Art Supplies', [5, 180], [['Paint Set', 'artist-palette', [18, 180]], ['Brush Set', 'paintbrush', [9, 75]], ['Crayons', 'crayon', [5, 29]]], { pieces: ['12 pieces', '24 pieces', '36 pieces', '48 pieces'], medium: ['Watercolour', 'Acrylic', 'Oil', 'Wax'] }, ['Pigments are light-fast and mix clean.', 'Bristles spring back and do not shed.', 'The tin is a palette too.', 'Free of anything a child should not taste.', 'Colours can be replaced one by one.'])
  ]
}

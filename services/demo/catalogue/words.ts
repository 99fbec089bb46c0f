/** Names of models. */
export const MODELS = [
  'Meridian', 'Solstice', 'Horizon', 'Aurora', 'Cascade', 'Harbour', 'Juniper', 'Kestrel', 'Lantern', 'Mariner', 'Nimbus', 'Outpost', 'Pioneer', 'Quarry', 'Ridgeline', 'Sequoia', 'Tempest', 'Vantage', 'Willow',
  'Zephyr', 'Atlas', 'Beacon', 'Cinder', 'Dakota', 'Equinox', 'Falcon', 'Granite', 'Heron', 'Island', 'Jubilee', 'Keystone', 'Laurel', 'Monarch', 'Northern', 'Orchard', 'Prairie', 'Quartz', 'Rambler', 'Saffron',
  'Timber', 'Upland', 'Verona', 'Windward', 'Alpine', 'Bramble', 'Coastal', 'Drifter', 'Everyday', 'Fjord', 'Garrison', 'Hamlet', 'Ivory', 'Jasper', 'Kodiak', 'Linden', 'Mosaic', 'Nomad', 'Opal', 'Pebble', 'Riverside'
]

const TITLE_ADJECTIVES = ['Glass', 'Salt', 'Winter', 'Borrowed', 'Hidden', 'Quiet', 'Paper', 'Copper', 'Drowned', 'Second', 'Northern', 'Unwritten', 'Scarlet', 'Lesser', 'Wandering', 'Forgotten', 'Silver', 'Crooked', 'Patient', 'Burning']
const TITLE_NOUNS = ['Orchard', 'Meridian', 'Lighthouse', 'Cartographer', 'Garden', 'Inheritance', 'Ferry', 'Alphabet', 'Season', 'Clockmaker', 'Harvest', 'Archive', 'Messenger', 'Threshold', 'Almanac', 'Window', 'Neighbour', 'Summer', 'Gatekeeper', 'Compass', 'Kingdom', 'Lantern']

/** Titles of books. */
export const BOOK_TITLES = TITLE_ADJECTIVES.flatMap((adjective) => TITLE_NOUNS.map((noun) => `The ${adjective} ${noun}`))

const FIRST_NAMES = ['Agnes', 'Bruno', 'Clara', 'Davit', 'Elif', 'Farid', 'Greta', 'Hanno', 'Ines', 'Jonas', 'Kaya', 'Leonor', 'Mirko', 'Nadia', 'Oskar', 'Priya', 'Rosa', 'Soren', 'Tamsin', 'Yusuf']
const LAST_NAMES = ['Ahlgren', 'Bellamy', 'Castellan', 'Drummond', 'Eriksen', 'Fontaine', 'Grünwald', 'Halloran', 'Ishikawa', 'Jankowski', 'Kaplan', 'Lindqvist', 'Moreau', 'Novak', 'Okafor', 'Pereira', 'Quintero', 'Rossi', 'Sandoval', 'Thorne']
export const AUTHORS = FIRST_NAMES.flatMap((first) => LAST_NAMES.map((last) => `${first} ${last}`))

/** How a description begins: `{brand}`, `{model}`, `{noun}` and `{leaf}` are filled in. */
export const OPENINGS = [
  'The {model} is the {noun} that {brand} is known for, made anew for this year.',
  'A {noun} for people who use one every day: {brand} took two years over the {model}.',
  '{brand} makes few things. The {model} is one of them, and it does what a {noun} should.',
  'Plain to look at and a pleasure to use: the {model} by {brand}.',
  'With the {model}, {brand} brings a {noun} that is meant to be kept.',
  'Ask {brand} for a {noun} and this is what they hand you: the {model}.',
  'The {model} started as a {noun} for friends of {brand}; by now it is the one most often asked for in {leaf}.',
  'Everything {brand} has learnt about {leaf} went into the {model}.'
]

export const BOOK_OPENINGS = [
  '{author} has written a book that one reads in a single night and then again, slowly.',
  'The new book by {author}, in an edition by {brand}.',
  'Readers in nine countries have waited for it: {author} is back.',
  '{brand} rediscovers {author}, with a new foreword.',
  'What {author} leaves out is as good as what is there.'
]

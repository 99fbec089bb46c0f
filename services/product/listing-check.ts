import type { FieldError } from '../../mixins/primitives/problem.ts'

/** What a listing check sees of a product. */
export interface Listing {
  title: string
  brand: string
  description: string
  attributes: Readonly<Record<string, string>>
}

/** Checks a product before it is sold; what passes is sold at once. A policy of the marketplace: put another one in its place. */
export interface ListingCheck {
  /** What is wrong, field by field; empty when it passes. */
  check(listing: Listing): FieldError[]
}

const ATTRIBUTES_MAX = 30
const UPPER_CASE_MAX = 0.7

/** Goods and phrases that are not sold here, as whole words. */
const BANNED = ['counterfeit', 'knockoff', 'knock-off', 'bootleg', 'cocaine', 'heroin', 'methamphetamine', 'fentanyl', 'live ammunition', 'hand grenade', 'fake id', 'fake passport', 'miracle cure']
const banned = new RegExp(`\\b(${BANNED.join('|')})\\b`, 'i')
const markup = /<\/?[a-z][^>]*>/i
const contact = /\bhttps?:\/\/|\bwww\.|[\w.+-]+@[\w-]+\.\w{2,}/i
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/

const rules: readonly { code: string; message: string; fails: (text: string, field: string) => boolean }[] = [
  { code: 'controlCharacters', message: 'holds control characters', fails: (text) => control.test(text) },
  { code: 'markup', message: 'is plain text, without markup', fails: (text) => markup.test(text) },
  { code: 'bannedWords', message: 'names goods that are not sold here', fails: (text) => banned.test(text) },
  { code: 'contactDetails', message: 'holds no addresses or links: buyers and sellers meet here', fails: (text) => contact.test(text) },
  { code: 'words', message: 'says something', fails: (text) => !/[\p{L}\p{N}]/u.test(text) },
  { code: 'upperCase', message: 'is not all in capitals', fails: (text, field) => field === 'title' && isShouting(text) }
]

function isShouting(text: string): boolean {
  const letters = text.match(/\p{L}/gu) ?? []
  return letters.length >= 20 && letters.filter((l) => l !== l.toLowerCase()).length / letters.length > UPPER_CASE_MAX
}

/** Refuses what no reader should meet: markup, hidden characters, contact details, banned goods, shouting. */
export const defaultListingCheck: ListingCheck = {
  check({ title, brand, description, attributes }) {
    const values = Object.entries(attributes)
    const fields = [...Object.entries({ title, brand, description }), ...values.map(([name, value]) => [`attributes.${name}`, value] as const)]
    const errors = fields.flatMap(([field, text]) => rules.filter((rule) => rule.fails(text, field)).map(({ code, message }) => ({ field, code, message })))
    if (values.length > ATTRIBUTES_MAX) errors.push({ field: 'attributes', code: 'recordMax', message: `has at most ${ATTRIBUTES_MAX} entries` })
    return errors
  }
}

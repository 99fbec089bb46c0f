import type { Fields, Rule } from './schema.ts'

/** A JSON Schema 2020-12 fragment, as OpenAPI 3.1 takes it. */
export type JsonSchema = Record<string, unknown>

const described = (rule: Rule): JsonSchema => ({
  ...(rule['description'] ? { description: rule['description'] } : {}),
  ...(rule['format'] ? { format: rule['format'] } : {})
})

const orNull = (rule: Rule, schema: JsonSchema): JsonSchema =>
  rule.nullable ? ('type' in schema && !('enum' in schema) ? { ...schema, type: [schema['type'], 'null'] } : { anyOf: [schema, { type: 'null' }] }) : schema

function bare(rule: Rule): JsonSchema {
  switch (rule.type) {
    case 'string': {
      const pattern = rule['open'] ? undefined : rule['pattern']
      return { type: 'string', minLength: rule['min'], maxLength: rule['max'], ...(pattern ? { pattern } : {}), ...described(rule) }
    }
    case 'number':
      return {
        type: rule['integer'] ? 'integer' : 'number',
        ...(rule['min'] === undefined ? {} : { minimum: rule['min'] }),
        ...(rule['max'] === undefined ? {} : { maximum: rule['max'] }),
        ...described(rule)
      }
    case 'boolean':
      return { type: 'boolean' }
    case 'enum':
      return { type: 'string', enum: rule['values'], ...described(rule) }
    case 'array':
      return { type: 'array', items: toJsonSchema(rule['items'] as Rule), minItems: rule['min'], maxItems: rule['max'] }
    case 'object':
      return fieldsToJsonSchema(rule['props'] as Fields)
    case 'record':
      return { type: 'object', propertyNames: { pattern: (rule['key'] as Rule)['pattern'] }, additionalProperties: toJsonSchema(rule['value'] as Rule) }
    case 'any':
      return {}
    default:
      throw new TypeError(`no JSON Schema for a rule of type ${rule.type}`)
  }
}

/** The JSON Schema of a rule. */
export const toJsonSchema = (rule: Rule): JsonSchema => orNull(rule, bare(rule))

/** The JSON Schema of an object with these fields and no others. */
export function fieldsToJsonSchema(fields: Fields): JsonSchema {
  const required = Object.entries(fields).filter(([, rule]) => !rule.optional).map(([name]) => name)
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, rule]) => [name, toJsonSchema(rule)])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false
  }
}

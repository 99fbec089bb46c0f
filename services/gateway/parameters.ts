import { problem, type FieldError } from '../../mixins/primitives/problem.ts'
import type { Rule } from '../../mixins/primitives/schema.ts'

/** Where the parameters of an action may come from; compiled once per route. */
export interface ParameterPlan {
  /** Names in the path: nothing else may set them. */
  path: ReadonlySet<string>
  /** Query names and whether they may repeat; for methods whose parameters are in the query. */
  query: ReadonlyMap<string, { repeats: boolean }>
  /** Parameters that collect `<name>.<key>` of the query, such as `attr.colour`. */
  maps: ReadonlySet<string>
  inQuery: boolean
}

const isList = (rule: Rule): boolean => rule.type === 'array'

/** What an action's schema and method say about where its parameters come from. */
export function planOf(method: string, pathNames: readonly string[], params: Readonly<Record<string, Rule>>): ParameterPlan {
  const path = new Set(pathNames)
  const inQuery = method === 'GET' || method === 'DELETE'
  const free = Object.entries(params).filter(([name, rule]) => !path.has(name) && typeof rule === 'object')
  return {
    path,
    inQuery,
    query: new Map(inQuery ? free.filter(([, rule]) => rule.type !== 'record').map(([name, rule]) => [name, { repeats: isList(rule) }]) : []),
    maps: new Set(inQuery ? free.filter(([, rule]) => rule.type === 'record').map(([name]) => name) : [])
  }
}

const unknown = (field: string): FieldError => ({ field, code: 'unknown', message: 'is not known here' })
const repeated = (field: string): FieldError => ({ field, code: 'repeated', message: 'may be given once' })

const set = (params: Record<string, unknown>, name: string, values: readonly string[], repeats: boolean, errors: FieldError[]): void => {
  if (values.length > 1 && !repeats) errors.push(repeated(name))
  else params[name] = values.length > 1 ? values : values[0]
}

/** Adds a query's parameters; what the action does not declare is an error of its name. */
function addQuery(params: Record<string, unknown>, query: string, plan: ParameterPlan, errors: FieldError[]): void {
  const search = new URLSearchParams(query)
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name)
    const known = plan.query.get(name)
    if (known) {
      set(params, name, values, known.repeats, errors)
      continue
    }
    const dot = name.indexOf('.')
    const map = dot > 0 ? name.slice(0, dot) : ''
    const key = name.slice(dot + 1)
    if (!plan.maps.has(map) || key === '' || key === '__proto__') errors.push(unknown(name))
    else set((params[map] ??= {}) as Record<string, unknown>, key, values, true, errors)
  }
}

function addBody(params: Record<string, unknown>, body: unknown, plan: ParameterPlan, errors: FieldError[]): void {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    errors.push({ field: '', code: 'type', message: 'must be a JSON object' })
    return
  }
  for (const [name, value] of Object.entries(body)) {
    // A path parameter is set by the path alone; `__proto__` would not become a field but change the object.
    if (plan.inQuery || plan.path.has(name) || name === '__proto__') errors.push(unknown(name))
    else params[name] = value
  }
}

/**
 * An action's parameters from path, query (GET, DELETE) or body (all others). Nothing shadows anything: a query where a body is
 * wanted, a body where a query is, and a field named as a path parameter are `validation-failed` with the field's name. What the
 * schema says about the rest, the action's validator checks.
 */
export function parametersOf(path: Readonly<Record<string, string>>, query: string | undefined, body: unknown, plan: ParameterPlan): Record<string, unknown> {
  const params: Record<string, unknown> = { ...path }
  const errors: FieldError[] = []
  if (query) addQuery(params, query, plan, errors)
  if (body !== undefined) addBody(params, body, plan, errors)
  if (errors.length > 0) throw problem('validation-failed', errors.length === 1 ? `${errors[0]!.field || 'The body'} ${errors[0]!.message}.` : `${errors.length} fields are not right.`, { errors })
  return params
}

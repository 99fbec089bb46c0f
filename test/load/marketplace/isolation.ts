import type pg from 'pg'

/** The benchmark's functions, and who owns each here. */
export const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  cart: ['cart.worker'],
  order: ['order.worker'],
  stock: ['inventory.worker'],
  payment: ['payment.worker'],
  shipment: ['logistics.worker'],
  seller: ['seller.worker', 'seller.orders'],
  customer: ['auth.worker'],
  product: ['product.worker']
}

/** A service as the registry knows it on one thread. */
export interface Provided {
  name: string
  nodeID: string
  actions: readonly string[]
}

/** What is wrong with how functions are divided among services, one text or null for each function. */
export function decompositionComplaints(services: readonly Provided[]): (string | null)[] {
  return Object.entries(FUNCTIONS).map(([name, owners]) => {
    const missing = owners.filter((owner) => !services.some((service) => service.name === owner))
    if (missing.length > 0) return `${name}: nobody provides ${missing.join(', ')}`
    const intruders = services.filter((service) => !owners.includes(service.name) && service.actions.some((action) => owners.some((owner) => action.startsWith(`${owner}.`))))
    return intruders.length > 0 ? `${name}: ${intruders.map((service) => service.name).join(', ')} provides actions of ${owners.join(', ')}` : null
  })
}

/** A role of one service, and a table of another's that it may read or write. */
export interface Reach {
  role: string
  schema: string
  table: string
}

/** Of every pair of a service's role and a table of another schema: how many there are, and which are open. */
const PAIRS = `WITH pair AS (
    SELECT r.rolname AS role, n.nspname AS schema, c.relname AS "table",
      has_schema_privilege(r.oid, n.oid, 'USAGE') AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') AS open
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN pg_roles r
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('public', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' AND r.rolname LIKE 'souk\\_%' AND r.oid <> n.nspowner
  )
  SELECT (SELECT count(*)::int FROM pair) AS pairs, coalesce((SELECT json_agg(pair) FROM pair WHERE open), '[]'::json) AS open`

export async function reachOf(pool: Pick<pg.Pool, 'query'>): Promise<{ pairs: number; open: Reach[] }> {
  const { rows } = await pool.query<{ pairs: number; open: Reach[] }>(PAIRS)
  return rows[0]!
}

/** The relay alone looks into others' schemas: it takes events out of their outboxes. */
export const reachComplaints = (open: readonly Reach[]): string[] =>
  open.filter(({ role, table }) => !(role === 'souk_relay' && table === 'outbox')).map(({ role, schema, table }) => `${role} may use ${schema}.${table}`)

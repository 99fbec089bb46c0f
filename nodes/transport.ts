import type { BrokerOptions } from 'moleculer'
import { setting } from '../mixins/settings/settings.ts'
import { MeshTransporter, type Mesh } from '../mixins/transport/mesh.ts'

/** How a broker of this node reaches others: NATS when NATS_URL is set, else the channels between this node's threads. */
export function transporterOf(mesh: Mesh): NonNullable<BrokerOptions['transporter']> {
  const url = setting('NATS_URL')
  return url ? { type: 'NATS', options: { url } } : new MeshTransporter(mesh)
}

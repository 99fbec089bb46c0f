import type { BrokerOptions } from 'moleculer'
import { MeshTransporter, type Mesh } from '../mixins/transport/mesh.ts'
import { natsPlace, natsTransporter } from '../mixins/transport/nats.ts'

/** How a broker of this node reaches others: NATS when NATS_URL is set, else the channels between this node's threads. */
export function transporterOf(mesh: Mesh, nodeID: string): NonNullable<BrokerOptions['transporter']> {
  const place = natsPlace()
  return place ? natsTransporter(place, nodeID) : new MeshTransporter(mesh)
}

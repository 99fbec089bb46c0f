import type { ServiceBroker, Transporters } from 'moleculer'

/**
 * Says goodbye on NATS for a broker that died without a word, so that its callers fail at once and others take over, instead of at
 * the next missed heartbeat. Only its supervisor knows, and calls this. Channels between threads need it not: they close.
 */
export async function announceLoss(broker: ServiceBroker, nodeID: string): Promise<void> {
  const { tx } = broker.transit as unknown as { tx: Transporters.Base }
  const packet = broker.serializer!.serialize({ ver: broker.PROTOCOL_VERSION, sender: nodeID } as never, 'DISCONNECT')
  await tx.send(tx.getTopicName('DISCONNECT'), packet as never, {})
}

import type { Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import type { MeshMessage } from '../mixins/transport/mesh.ts'
import type { NatsPlace } from '../mixins/transport/nats.ts'

/** Between a visiting REPL and its node: whom the visitor meets, and packets from and to them. */
export type Frame =
  | { type: 'hello'; node: string; nodeID: string; nats: NatsPlace | null }
  | { type: 'peer'; nodeID: string }
  | { type: 'gone'; nodeID: string }
  | { type: 'packet'; nodeID: string; message: MeshMessage }

const HEAD_BYTES = 4

/** Writes a frame: its length, then the value as structured clone would see it. */
export function writeFrame(socket: Socket, frame: Frame): void {
  const body = serialize(frame)
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(body.length)
  socket.write(Buffer.concat([head, body]))
}

/** Calls `onFrame` for every frame that arrives, in order. */
export function readFrames(socket: Socket, onFrame: (frame: Frame) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= HEAD_BYTES && rest.length >= HEAD_BYTES + rest.readUInt32BE()) {
      const end = HEAD_BYTES + rest.readUInt32BE()
      const frame = deserialize(rest.subarray(HEAD_BYTES, end)) as Frame
      rest = rest.subarray(end)
      onFrame(frame)
    }
  })
}

// A consumer on a thread of its own, so that a test can kill it half way. It tells the parent of a batch before it has finished it.
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { openEventLog } from '../../mixins/events/log.ts'

const { topics, group, pauseMs } = workerData as { topics: string[]; group: string; pauseMs: number }
openEventLog().consume(
  topics,
  group,
  async (batch) => {
    parentPort!.postMessage(batch)
    await sleep(pauseMs)
  },
  { maxBatch: 5 }
)

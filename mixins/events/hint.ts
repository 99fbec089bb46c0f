import { gatheredHint } from '../runtime/gathered-hint.ts'

declare module '../runtime/calls.ts' {
  interface Hints {
    /** The log has new events of these topics. */
    'log.published': { topics: string[] }
  }
}

/** Tells consumers on every node that the log has new events of these topics; without it they find them within half a second. */
export const publishedHint = gatheredHint('log.published', 5, (topics) => ({ topics }))

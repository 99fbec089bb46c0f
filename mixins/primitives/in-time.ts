/**
 * What the work answers, or a rejection with the error of `late` when it has not answered after `ms`. The work goes on then, and
 * what becomes of it is nobody's any more.
 */
export async function inTime<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  work.catch(() => {}) // when it comes too late
  try {
    return await Promise.race([work, patience])
  } finally {
    clearTimeout(timer)
  }
}

/** Does something for each, so many at once. Rejects with the first that fails; those under way go on. */
export async function eachOf<T>(items: Iterable<T>, atOnce: number, act: (item: T, n: number) => Promise<unknown>): Promise<void> {
  const next = items[Symbol.iterator]()
  let n = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let { done, value } = next.next(); !done; { done, value } = next.next()) await act(value as T, n++)
    })
  )
}

import type { ServiceThis } from '../runtime/service.ts'
import { openDocuments, type OpenDocuments } from './documents.ts'
import type { Collection, Document } from './port.ts'

/** What a service finds on `this`: a store per collection of `C`, whose documents are `T[name]`. */
export interface WithDocuments<T extends Record<string, Document>> {
  documents: { readonly [N in keyof T]: OpenDocuments<T[N]> }
}

/** Gives a service `this.documents`: its collections in the engine that the configuration names, there from `created` on, closed when the service has stopped. */
export const serviceDocuments = (schema: string, collections: Readonly<Record<string, Collection>>) => ({
  created(this: ServiceThis<WithDocuments<Record<string, Document>>>) {
    this.documents = Object.fromEntries(Object.entries(collections).map(([name, collection]) => [name, openDocuments(schema, collection)]))
  },

  async started(this: ServiceThis<WithDocuments<Record<string, Document>>>) {
    await Promise.all(Object.values(this.documents).map((store) => store.ready()))
  },

  async stopped(this: ServiceThis<WithDocuments<Record<string, Document>>>) {
    await Promise.all(Object.values(this.documents).map((store) => store.close()))
  }
})

// Runs TypeScript under Jest the way Node runs it: types are stripped, nothing else changes, so line numbers hold.
const { createHash } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { stripTypeScriptTypes } = require('node:module')

const self = readFileSync(__filename)

module.exports = {
  process: (source, file) => ({ code: file.endsWith('.ts') ? stripTypeScriptTypes(source, { mode: 'strip' }) : source }),
  getCacheKey: (source, file) => createHash('sha256').update(process.version).update(self).update(file).update(source).digest('hex')
}

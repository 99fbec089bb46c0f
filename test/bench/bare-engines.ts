// A bare node with an idle PostgreSQL of its own: what a shop's processes are beside. argv: the cluster's directory.
import { startPostgres } from '../../infra/embedded/postgres.ts'

const server = await startPostgres({ dir: process.argv[2]! })
process.on('disconnect', () => void server.stop())
process.send!('ready')

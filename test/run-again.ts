import { jest } from '@jest/globals'

// The tests kill processes and cut connections on machines that are shared: one that fails is run once more, and is named at the end
// of the run, with its failure, when it then passes. What fails twice has failed.
jest.retryTimes(1, { logErrorsBeforeRetry: true })

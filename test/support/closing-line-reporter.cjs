/** The runner's last line in words that any reader of logs knows: `N passed, N failed`; before it, the tests that passed only when they were run again. */
module.exports = class ClosingLineReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults }) {
    const unsteady = testResults.flatMap((file) => file.testResults.filter((test) => test.status === 'passed' && test.retryReasons?.length > 0))
    for (const { fullName, retryReasons } of unsteady) process.stdout.write(`\nunsteady: "${fullName}" failed, and passed when it was run again:\n${retryReasons[0]}\n`)
    process.stdout.write(`\n${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed\n`)
  }
}

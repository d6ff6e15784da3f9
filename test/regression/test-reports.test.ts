import { expect, it } from 'vitest'
import { readGoTest, readJunit, readMocha } from './test-reports.ts'

it('reads JUnit reports of pytest and Surefire', () => {
  const xml = `<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.a.B" name="good" time="0.1" />
<testcase name="other &lt;way&gt; &#10; round" classname="tests.a.B" time="0.1"/>
<testcase classname="tests.a.B" name="bad" time="0.1"><failure message="x">text <skipped</failure></testcase>
<testcase classname="tests.a.B" name="late"><system-out><![CDATA[<error]]></system-out></testcase>
<testcase classname="tests.a.B" name="broken"><error message="y"/></testcase>
<testcase classname="tests.a.B" name="left out"><skipped type="z"/></testcase>
<testcase classname="tests.a.B" name="twice" /><testcase classname="tests.a.B" name="twice"><failure/></testcase>
<testcase classname="tests.a.B" name="twice" />
</testsuite></testsuites>`
  expect(Object.fromEntries(readJunit(xml))).toEqual({
    'tests.a.B::good': 'passed',
    'tests.a.B::other <way> \n round': 'passed',
    'tests.a.B::bad': 'failed',
    'tests.a.B::late': 'passed',
    'tests.a.B::broken': 'failed',
    'tests.a.B::left out': 'skipped',
    'tests.a.B::twice': 'failed',
  })
})

it('reads the events of go test, and names packages that fail as a whole', () => {
  const events = [
    { Action: 'start', Package: 'p' },
    { Action: 'run', Package: 'p', Test: 'TestA' },
    { Action: 'output', Package: 'p', Test: 'TestA', Output: 'x' },
    { Action: 'pass', Package: 'p', Test: 'TestA/sub' },
    { Action: 'fail', Package: 'p', Test: 'TestA' },
    { Action: 'skip', Package: 'p', Test: 'TestB' },
    { Action: 'fail', Package: 'p' },
    { Action: 'pass', Package: 'r' },
    { Action: 'fail', Package: 'q' },
  ]
  const output = `not JSON\n${events.map((event) => JSON.stringify(event)).join('\n')}\n`
  expect(Object.fromEntries(readGoTest(output))).toEqual({
    'p::TestA/sub': 'passed',
    'p::TestA': 'failed',
    'p::TestB': 'skipped',
    'q::': 'failed',
  })
})

it('reads the report of Mocha behind what tests print', () => {
  const report = {
    stats: { tests: 3 },
    passes: [{ fullTitle: 'a works', err: {} }],
    pending: [{ fullTitle: 'a waits' }],
    failures: [{ fullTitle: 'a fails', err: { stack: '{\n' } }],
  }
  const output = `\nprinted { by a test }\n${JSON.stringify(report, undefined, 2)}\n`
  expect(Object.fromEntries(readMocha('p', output))).toEqual({
    'p::a works': 'passed',
    'p::a waits': 'skipped',
    'p::a fails': 'failed',
  })
})

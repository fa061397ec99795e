/**
 * Examples of event patterns that AWS publishes, with events that they do and do not match. They
 * are about events of AWS, not of Wisp, so they are compiled for any event.
 *
 * Sources: "Comparison operators for use in event patterns" in the Amazon EventBridge User Guide
 * (eb-create-pattern-operators), its older edition in
 * github.com/awsdocs/amazon-eventbridge-user-guide, and the README of github.com/aws/event-ruler.
 */
export interface PublishedPattern {
  readonly source: 'user guide' | 'event-ruler';
  readonly pattern: object;
  readonly matches: readonly object[];
  readonly differs: readonly object[];
}

/** The sample event of event-ruler's README, which most of its examples match. */
const sampleEvent = {
  version: '0',
  id: 'ddddd4-aaaa-7777-4444-345dd43cc333',
  'detail-type': 'EC2 Instance State-change Notification',
  source: 'aws.ec2',
  account: '012345679012',
  time: '2017-10-02T16:24:49Z',
  region: 'us-east-1',
  resources: ['arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000'],
  detail: {
    'c-count': 5,
    'd-count': 3,
    'x-limit': 301.8,
    'source-ip': '10.0.0.33',
    'instance-id': 'i-000000aaaaaa00000',
    state: 'running',
  },
};

const withDetail = (detail: object) => ({ ...sampleEvent, detail: { ...sampleEvent.detail, ...detail } });

const employees = [
  { firstName: 'John', lastName: 'Doe' },
  { firstName: 'Anna', lastName: 'Smith' },
  { firstName: 'Peter', lastName: 'Jones' },
];

export const publishedPatterns: Readonly<Record<string, PublishedPattern>> = {
  'and: two members': {
    source: 'user guide',
    pattern: { Location: ['New York'], Day: ['Monday'] },
    matches: [{ Location: 'New York', Day: 'Monday' }],
    differs: [{ Location: 'New York' }, { Location: 'New York', Day: 'Tuesday' }],
  },
  'exact values, and a list in the event': {
    source: 'event-ruler',
    pattern: {
      'detail-type': ['EC2 Instance State-change Notification'],
      resources: ['arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000'],
      detail: { state: ['initializing', 'running'] },
    },
    matches: [sampleEvent, withDetail({ state: 'initializing' })],
    differs: [withDetail({ state: 'stopped' }), { ...sampleEvent, resources: [] }],
  },
  prefix: {
    source: 'user guide',
    pattern: { time: [{ prefix: '2017-10-02' }] },
    matches: [sampleEvent, { time: '2017-10-02T18:43:48Z' }],
    differs: [{ time: '2017-10-03T18:43:48Z' }, { time: 20171002 }, {}],
  },
  'prefix, ignoring case': {
    source: 'user guide',
    pattern: { service: [{ prefix: { 'equals-ignore-case': 'EventB' } }] },
    matches: [{ service: 'EventBridge' }, { service: 'EVENTBRIDGE' }, { service: 'eventb' }],
    differs: [{ service: 'event' }, { service: 'AnEventBridge' }],
  },
  suffix: {
    source: 'user guide',
    pattern: { FileName: [{ suffix: '.png' }] },
    matches: [{ FileName: 'dir/a.png' }, { FileName: '.png' }],
    differs: [{ FileName: 'a.PNG' }, { FileName: 'png' }],
  },
  'suffix of the sample event': {
    source: 'event-ruler',
    pattern: { source: [{ suffix: 'ec2' }] },
    matches: [sampleEvent],
    differs: [{ source: 'aws.s3' }],
  },
  'suffix, ignoring case': {
    source: 'user guide',
    pattern: { service: [{ suffix: { 'equals-ignore-case': 'tBridge' } }] },
    matches: [{ service: 'EventBridge' }, { service: 'EVENTBRIDGE' }],
    differs: [{ service: 'EventBus' }],
  },
  'anything-but a text': {
    source: 'user guide',
    pattern: { detail: { state: [{ 'anything-but': 'initializing' }] } },
    matches: [sampleEvent],
    differs: [withDetail({ state: 'initializing' }), { detail: {} }],
  },
  'anything-but a number': {
    source: 'user guide',
    pattern: { detail: { 'x-limit': [{ 'anything-but': 123 }] } },
    matches: [sampleEvent],
    differs: [withDetail({ 'x-limit': 123 })],
  },
  'anything-but texts': {
    source: 'user guide',
    pattern: { detail: { state: [{ 'anything-but': ['stopped', 'overloaded'] }] } },
    matches: [sampleEvent],
    differs: [withDetail({ state: 'stopped' }), withDetail({ state: 'overloaded' })],
  },
  'anything-but numbers': {
    source: 'user guide',
    pattern: { detail: { 'x-limit': [{ 'anything-but': [100, 200, 300] }] } },
    matches: [sampleEvent],
    differs: [withDetail({ 'x-limit': 200 })],
  },
  'anything-but, ignoring case': {
    source: 'user guide',
    pattern: {
      detail: { state: [{ 'anything-but': { 'equals-ignore-case': ['initializing', 'stopped'] } }] },
    },
    matches: [sampleEvent],
    differs: [withDetail({ state: 'INITIALIZING' }), withDetail({ state: 'Stopped' })],
  },
  'anything-but a prefix': {
    source: 'user guide',
    pattern: { detail: { state: [{ 'anything-but': { prefix: 'init' } }] } },
    matches: [sampleEvent],
    differs: [withDetail({ state: 'initializing' })],
  },
  'anything-but prefixes': {
    source: 'user guide',
    pattern: { detail: { state: [{ 'anything-but': { prefix: ['init', 'error'] } }] } },
    matches: [sampleEvent],
    differs: [withDetail({ state: 'initializing' }), withDetail({ state: 'errors' })],
  },
  'anything-but a suffix': {
    source: 'user guide',
    pattern: { FileName: [{ 'anything-but': { suffix: ['.txt', '.rtf'] } }] },
    matches: [{ FileName: 'a.png' }],
    differs: [{ FileName: 'a.txt' }, { FileName: 'a.rtf' }],
  },
  'anything-but a wildcard': {
    source: 'user guide',
    pattern: { FilePath: [{ 'anything-but': { wildcard: ['*/lib/*', '*/bin/*'] } }] },
    matches: [{ FilePath: 'src/a.ts' }, { FilePath: 'lib/a.ts' }],
    differs: [{ FilePath: 'src/lib/a.ts' }, { FilePath: '/bin/sh' }],
  },
  numeric: {
    source: 'user guide',
    pattern: {
      detail: {
        'c-count': [{ numeric: ['>', 0, '<=', 5] }],
        'd-count': [{ numeric: ['<', 10] }],
        'x-limit': [{ numeric: ['=', 3.018e2] }],
      },
    },
    matches: [sampleEvent],
    differs: [
      withDetail({ 'c-count': 0 }),
      withDetail({ 'c-count': 5.000001 }),
      withDetail({ 'd-count': 10 }),
      withDetail({ 'x-limit': 301.9 }),
      withDetail({ 'd-count': '3' }),
    ],
  },
  'addresses of IPv4': {
    source: 'user guide',
    pattern: { detail: { 'source-ip': [{ cidr: '10.0.0.0/24' }] } },
    matches: [
      sampleEvent,
      withDetail({ 'source-ip': '10.0.0.0' }),
      withDetail({ 'source-ip': '10.0.0.255' }),
    ],
    differs: [
      withDetail({ 'source-ip': '10.0.1.0' }),
      withDetail({ 'source-ip': 'host' }),
      withDetail({ 'source-ip': '::ffff:10.0.0.33' }),
    ],
  },
  'addresses of IPv6': {
    source: 'event-ruler',
    pattern: { ip: [{ cidr: '2001:db8::/32' }] },
    matches: [{ ip: '2001:db8::1' }, { ip: '2001:0DB8:ffff:0:0:0:192.0.2.1' }],
    differs: [{ ip: '2001:db9::1' }, { ip: '2001:db8:::1' }, { ip: '1.2.3.4' }],
  },
  'exists: true': {
    source: 'event-ruler',
    pattern: { detail: { 'c-count': [{ exists: true }] } },
    matches: [sampleEvent, withDetail({ 'c-count': null })],
    differs: [
      { detail: { state: 'x' } },
      withDetail({ 'c-count': { c1: 100 } }),
      withDetail({ 'c-count': [] }),
    ],
  },
  'exists: false, also where the member is no leaf': {
    source: 'user guide',
    pattern: { detail: { 'c-count': [{ exists: false }] } },
    matches: [
      { 'detail-type': 'x', resources: ['y'], detail: { state: ['initializing', 'running'] } },
      { detail: { state: ['initializing', 'running'], 'c-count': { c1: 100 } } },
      {},
    ],
    differs: [sampleEvent],
  },
  'equals-ignore-case': {
    source: 'user guide',
    pattern: { 'detail-type': [{ 'equals-ignore-case': 'ec2 instance state-change notification' }] },
    matches: [sampleEvent],
    differs: [{ 'detail-type': 'ec2' }],
  },
  'a wildcard': {
    source: 'user guide',
    pattern: { FileName: [{ wildcard: 'dir/*.png' }] },
    matches: [{ FileName: 'dir/a.png' }, { FileName: 'dir/.png' }, { FileName: 'dir/sub/a.png' }],
    differs: [{ FileName: 'dir.png' }, { FileName: 'dir/a.png.txt' }],
  },
  'a wildcard between words': {
    source: 'event-ruler',
    pattern: { source: [{ wildcard: 'Simple*Service' }] },
    matches: [{ source: 'SimpleQueueService' }, { source: 'SimpleService' }],
    differs: [{ source: 'Simple' }, { source: 'SimpleServices' }],
  },
  'an escaped wildcard and an escaped backslash': {
    source: 'user guide',
    pattern: { path: [{ wildcard: 'a\\*b\\\\*' }] },
    matches: [{ path: 'a*b\\c' }],
    differs: [{ path: 'axb\\c' }, { path: 'a*bc' }],
  },
  'the empty text': {
    source: 'user guide',
    pattern: { LastName: [''] },
    matches: [{ LastName: '' }],
    differs: [{ LastName: ' ' }, {}, { LastName: null }],
  },
  null: {
    source: 'user guide',
    pattern: { UserID: [null] },
    matches: [{ UserID: null }],
    differs: [{ UserID: '' }, {}, { UserID: 'null' }],
  },
  'a number': {
    source: 'user guide',
    pattern: { Price: [100] },
    matches: [{ Price: 100 }, { Price: 1e2 }],
    differs: [{ Price: '100' }, { Price: 101 }],
  },
  'or: several values of one member': {
    source: 'user guide',
    pattern: { PaymentType: ['Credit', 'Debit'] },
    matches: [{ PaymentType: 'Credit' }, { PaymentType: ['Cash', 'Debit'] }],
    differs: [{ PaymentType: 'Cash' }],
  },
  'or: several members': {
    source: 'user guide',
    pattern: { $or: [{ Location: ['New York'] }, { Day: ['Monday'] }] },
    matches: [{ Location: 'New York' }, { Location: 'Rome', Day: 'Monday' }],
    differs: [{ Location: 'Rome', Day: 'Tuesday' }],
  },
  'or: comparisons': {
    source: 'user guide',
    pattern: {
      detail: {
        $or: [
          { 'c-count': [{ numeric: ['>', 0, '<=', 5] }] },
          { 'd-count': [{ numeric: ['<', 10] }] },
          { 'x-limit': [{ numeric: ['=', 3.018e2] }] },
        ],
      },
    },
    matches: [sampleEvent, { detail: { 'x-limit': 301.8 } }],
    differs: [{ detail: { 'c-count': 6, 'd-count': 10, 'x-limit': 1 } }, { 'c-count': 1 }],
  },
  'or with and around it': {
    source: 'event-ruler',
    pattern: {
      source: ['aws.cloudwatch'],
      $or: [{ metricName: ['CPUUtilization', 'ReadLatency'] }, { namespace: ['AWS/EC2', 'AWS/ES'] }],
    },
    matches: [{ source: 'aws.cloudwatch', namespace: 'AWS/ES' }],
    differs: [{ source: 'aws.cloudwatch' }, { source: 'aws.ec2', namespace: 'AWS/ES' }],
  },
  'or twice': {
    source: 'event-ruler',
    pattern: {
      $or: [{ metricName: ['CPUUtilization', 'ReadLatency'] }, { namespace: ['AWS/EC2', 'AWS/ES'] }],
      detail: { $or: [{ source: ['aws.cloudwatch'] }, { 'detail-type': ['CloudWatch Alarm State Change'] }] },
    },
    matches: [{ namespace: 'AWS/EC2', detail: { source: 'aws.cloudwatch' } }],
    differs: [{ namespace: 'AWS/EC2', detail: {} }, { detail: { source: 'aws.cloudwatch' } }],
  },
  'or with and in it': {
    source: 'event-ruler',
    pattern: {
      source: ['aws.cloudwatch'],
      $or: [
        { metricName: ['CPUUtilization', 'ReadLatency'] },
        { metricType: ['MetricType'], namespace: ['AWS/EC2', 'AWS/ES'] },
        { scope: ['Service'] },
      ],
    },
    matches: [
      { source: 'aws.cloudwatch', metricType: 'MetricType', namespace: 'AWS/ES' },
      { source: 'aws.cloudwatch', scope: 'Service' },
    ],
    differs: [{ source: 'aws.cloudwatch', metricType: 'MetricType' }],
  },
  'or in or': {
    source: 'event-ruler',
    pattern: {
      source: ['aws.cloudwatch'],
      $or: [
        { metricName: ['CPUUtilization', 'ReadLatency'] },
        {
          metricType: ['MetricType'],
          namespace: ['AWS/EC2', 'AWS/ES'],
          $or: [{ metricId: [1234] }, { spaceId: [1000] }],
        },
        { scope: ['Service'] },
      ],
    },
    matches: [{ source: 'aws.cloudwatch', metricType: 'MetricType', namespace: 'AWS/ES', spaceId: 1000 }],
    differs: [{ source: 'aws.cloudwatch', metricType: 'MetricType', namespace: 'AWS/ES', spaceId: 1 }],
  },
  'several comparisons': {
    source: 'event-ruler',
    pattern: {
      time: [{ prefix: '2017-10-02' }],
      detail: {
        state: [{ 'anything-but': 'initializing' }],
        'c-count': [{ numeric: ['>', 0, '<=', 5] }],
        'd-count': [{ numeric: ['<', 10] }],
        'x-limit': [{ 'anything-but': [100, 200, 300] }],
        'source-ip': [{ cidr: '10.0.0.0/8' }],
      },
    },
    matches: [sampleEvent],
    differs: [withDetail({ 'source-ip': '11.0.0.1' })],
  },
  'a list of objects': {
    source: 'event-ruler',
    pattern: { employees: { firstName: ['Anna'] } },
    matches: [{ employees }, { employees: [employees.slice(0, 2), employees.slice(2)] }],
    differs: [{ employees: employees.slice(2) }, { employees: [] }, { employees: 'Anna' }],
  },
  'a list of objects: all members in one element': {
    source: 'event-ruler',
    pattern: { employees: { firstName: ['Anna'], lastName: ['Smith'] } },
    matches: [{ employees }],
    differs: [
      {
        employees: [
          { firstName: 'Anna', lastName: 'Jones' },
          { firstName: 'Peter', lastName: 'Smith' },
        ],
      },
    ],
  },
};

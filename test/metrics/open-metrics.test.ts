import { expect, it } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import { counterFamilies, refusalFamily } from '../../lib/metrics/counters.ts';
import { openMetricsText } from '../../lib/metrics/open-metrics.ts';

it('writes counters with their creation, gauges, and an end', () => {
  const text = openMetricsText([
    {
      name: 'wisp_messages_in',
      type: 'counter',
      help: 'Messages.',
      samples: [
        { labels: { tenant: 'acme' }, value: 3, createdMs: 1_700_000_000_500 },
        { labels: { tenant: 'other' }, value: 0 },
      ],
    },
    { name: 'wisp_clients', type: 'gauge', help: 'Clients.', samples: [{ value: 2 }] },
  ]);
  expect(text).toBe(`# TYPE wisp_messages_in counter
# HELP wisp_messages_in Messages.
wisp_messages_in_total{tenant="acme"} 3
wisp_messages_in_created{tenant="acme"} 1700000000.5
wisp_messages_in_total{tenant="other"} 0
# TYPE wisp_clients gauge
# HELP wisp_clients Clients.
wisp_clients 2
# EOF
`);
});

it('escapes what would end a label or a line', () => {
  const labels = { tenant: 'a"} 9\n# EOF\n\\' };
  const text = openMetricsText([
    { name: 'x', type: 'gauge', help: 'a\nb "c" \\', samples: [{ labels, value: 1 }] },
  ]);
  expect(text.split('\n')).toEqual([
    '# TYPE x gauge',
    String.raw`# HELP x a\nb \"c\" \\`,
    String.raw`x{tenant="a\"} 9\n# EOF\n\\"} 1`,
    '# EOF',
    '',
  ]);
});

it('shows every counter from zero, and refusals by code', () => {
  const counters = new Map([[metrics.messagesReceived, 7]]);
  const text = openMetricsText([
    ...counterFamilies({ counters }),
    refusalFamily({ refusals: new Map([['token-expired', 2]]) }),
  ]);
  expect(text).toContain('\nwisp_messages_received_total 7\n');
  expect(text).toContain('\nwisp_connects_refused_total 0\n');
  expect(text).toContain('\nwisp_refusals_total{code="token-expired"} 2\n');
  expect(text).not.toContain('edge_connections ');
});

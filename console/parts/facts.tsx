import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { time } from '../format.ts';

/** Names and values of one thing. Values that are undefined are left out. */
export function Facts({ of }: { readonly of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** A single number with its name, for the top of a page. Undefined shows a dash. */
export function Figure(props: {
  readonly name: string;
  readonly value: string | undefined;
  readonly about?: string;
}) {
  return (
    <div class="figure">
      <p class="figure-name">{props.name}</p>
      <p class="figure-value">{props.value ?? '–'}</p>
      {props.about !== undefined && <p class="muted small">{props.about}</p>}
    </div>
  );
}

/** A state in one word. */
export function Badge(props: {
  readonly kind: 'good' | 'warning' | 'bad' | 'plain';
  readonly children: ComponentChildren;
}) {
  return <span class={`badge badge-${props.kind}`}>{props.children}</span>;
}

/** A time of the operator's clock, with the exact one in UTC as a tooltip. */
export function Time({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at}>
      {time(at)}
    </time>
  );
}

/** A text that people take elsewhere, such as a token, with a button that copies it. */
export function Copyable({ text, label }: { readonly text: string; readonly label: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <div class="copyable">
      <code>{text}</code>
      <button type="button" class="button" onClick={() => void copy()} aria-label={`Copy ${label}`}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}

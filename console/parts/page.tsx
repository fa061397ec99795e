import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

/** The frame of every page: its title, which the browser shows too, actions, content. */
export function Page(props: {
  readonly title: string;
  /** One sentence below the title. */
  readonly about?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  const { title, about, actions, children } = props;
  useEffect(() => {
    document.title = `${title} · Wisp`;
  }, [title]);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          {about !== undefined && <p class="muted">{about}</p>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

/** A part of a page with a heading of its own. */
export function Section(props: {
  readonly title: string;
  readonly about?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  const { title, about, actions, children } = props;
  return (
    <section class="section">
      <div class="section-head">
        <div>
          <h2>{title}</h2>
          {about !== undefined && <p class="muted small">{about}</p>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </div>
      {children}
    </section>
  );
}

import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { About } from './api/types.ts';
import { asProblem } from './api/use-load.ts';
import { Logo } from './logo.tsx';
import type { PageProps } from './page-props.ts';
import { type PageEntry, pages } from './pages.ts';
import { Empty, ProblemNotice } from './parts/notices.tsx';
import { Page } from './parts/page.tsx';
import { linkTo, route } from './route.ts';
import { closeSession } from './session.ts';
import { currentTenant, keepTenant } from './tenant.ts';
import { TenantChooser } from './tenant-chooser.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

/** Navigation and the page of the address. */
export function Shell({ about }: { readonly about: About }) {
  const [isMenuOpen, setMenuOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const { page: name, tenant } = route.value;
  const entry = pages.find((page) => page.name === name) ?? (name === '' ? pages[0] : undefined);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the menu
  useEffect(() => setMenuOpen(false), [name, tenant]);
  useEffect(() => {
    if (tenant !== undefined) keepTenant(tenant);
  }, [tenant]);
  useEffect(() => {
    if (!isMenuOpen) return;
    const onKey = ({ key }: KeyboardEvent) => key === 'Escape' && setMenuOpen(false);
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [isMenuOpen]);

  return (
    <div class="shell">
      <a
        class="skip"
        href={location.hash}
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the page
      </a>
      <header class="bar">
        <button
          type="button"
          class="icon-button menu-button"
          aria-label="Menu"
          aria-expanded={isMenuOpen}
          aria-controls="navigation"
          onClick={() => setMenuOpen(!isMenuOpen)}
        >
          <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
            <path d="M3 5h14M3 10h14M3 15h14" class="icon-line" />
          </svg>
        </button>
        <Logo />
      </header>
      <div class={isMenuOpen ? 'side is-open' : 'side'} id="navigation">
        <div class="side-content">
          <a class="side-logo" href={linkTo('')}>
            <Logo />
          </a>
          <nav aria-label="Console">
            <NavList entries={pages.filter(({ isOfTenant }) => !isOfTenant)} current={entry} />
            <TenantChooser isFollowed={entry?.isOfTenant === true || tenant !== undefined} />
            <NavList entries={pages.filter(({ isOfTenant }) => isOfTenant)} current={entry} />
          </nav>
          <footer class="side-foot">
            <ThemeSwitch />
            <p class="small muted">
              {about.label}
              <br />
              Wisp {about.version}
            </p>
            <button type="button" class="link-button small" onClick={() => void closeSession()}>
              Lock the console
            </button>
          </footer>
        </div>
      </div>
      <main class="main" ref={main} tabIndex={-1}>
        {entry === undefined ? (
          <Page title="No such page">
            <Empty title="There is no page at this address.">Choose one in the navigation.</Empty>
          </Page>
        ) : (
          <PageOf key={entry.name} entry={entry} tenant={tenant ?? currentTenant.value ?? ''} />
        )}
      </main>
    </div>
  );
}

function NavList({ entries, current }: { entries: readonly PageEntry[]; current: PageEntry | undefined }) {
  if (entries.length === 0) return null;
  return (
    <ul class="nav">
      {entries.map((entry) => (
        <li key={entry.name}>
          <a
            href={linkTo(entry.name, entry.isOfTenant ? currentTenant.value : undefined)}
            aria-current={entry === current ? 'page' : undefined}
          >
            {entry.title}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Loads the code of a page, and asks for a tenant where the page needs one. */
function PageOf({ entry, tenant }: { readonly entry: PageEntry; readonly tenant: string }) {
  const [loaded, setLoaded] = useState<{ readonly page: ComponentType<PageProps> } | undefined>(undefined);
  const [problem, setProblem] = useState<unknown>(undefined);
  useEffect(() => {
    entry.load().then(({ default: page }) => setLoaded({ page }), setProblem);
  }, [entry]);
  if (problem !== undefined)
    return <ProblemNotice problem={asProblem(problem)} retry={() => location.reload()} />;
  if (entry.isOfTenant && tenant === '')
    return (
      <Page title={entry.title}>
        <Empty title="Choose a tenant">
          This page is about one tenant. Choose it in the navigation, or{' '}
          <a href={linkTo('tenants')}>create one</a>.
        </Empty>
      </Page>
    );
  const named = route.value.tenant ?? (entry.isOfTenant ? tenant : '');
  return loaded === undefined ? null : <loaded.page key={named} tenant={named} />;
}

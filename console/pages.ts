import type { ComponentType } from 'preact';
import type { PageProps } from './page-props.ts';

/** A page of the console. */
export interface PageEntry {
  /** First level of its address: `#/clients`. */
  readonly name: string;
  /** In the navigation. */
  readonly title: string;
  /** Whether it is about one tenant, which its address names: `#/clients/acme`. */
  readonly isOfTenant: boolean;
  readonly load: () => Promise<{ readonly default: ComponentType<PageProps> }>;
}

/**
 * All pages, in the order of the navigation. To add one: write `console/pages/NAME.tsx` with the
 * component as its default export, and a line here. Every page is loaded when it is first opened.
 */
export const pages: readonly PageEntry[] = [
  { name: 'overview', title: 'Overview', isOfTenant: false, load: () => import('./pages/overview.tsx') },
  { name: 'tenants', title: 'Tenants', isOfTenant: false, load: () => import('./pages/tenants.tsx') },
  { name: 'clients', title: 'Clients', isOfTenant: true, load: () => import('./pages/clients.tsx') },
  { name: 'topics', title: 'Topics', isOfTenant: true, load: () => import('./pages/topics.tsx') },
  { name: 'mqtt', title: 'MQTT client', isOfTenant: true, load: () => import('./pages/mqtt.tsx') },
  { name: 'rules', title: 'Rules', isOfTenant: true, load: () => import('./pages/rules.tsx') },
  { name: 'settings', title: 'Settings', isOfTenant: false, load: () => import('./pages/settings.tsx') },
  { name: 'usage', title: 'Usage', isOfTenant: true, load: () => import('./pages/usage.tsx') },
];

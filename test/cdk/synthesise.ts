import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { presets, type StageSettings } from '../../cdk/settings.ts';
import { WispStack } from '../../cdk/stack.ts';

const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

/** The app with the flags of `cdk.json`, without bundling: no assertion depends on assets. */
export function makeStack(settings: StageSettings = presets.prod): WispStack {
  const app = new App({
    autoSynth: false,
    analyticsReporting: false,
    context: { ...context, 'aws:cdk:bundling-stacks': [] },
  });
  return new WispStack(app, 'Wisp', settings);
}

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of a template have no type
  readonly Properties: Record<string, any>;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: string[];
}

/** Templates by their settings: nobody changes one, and each takes a second to synthesise. */
const templates = new Map<string, Template>();

/** A synthesised template with its resources by type. */
export class Synthesised {
  readonly template: Template;

  constructor(settings: StageSettings = presets.prod) {
    const key = JSON.stringify(settings);
    this.template = templates.get(key) ?? Template.fromStack(makeStack(settings));
    templates.set(key, this.template);
  }

  /** Logical id → resource. */
  resources(type: string): Record<string, Resource> {
    return this.template.findResources(type) as Record<string, Resource>;
  }

  /** The only resource of a type whose logical id begins with `prefix`. */
  one(type: string, prefix = ''): Resource & { readonly id: string } {
    const found = Object.entries(this.resources(type)).filter(([id]) => id.startsWith(prefix));
    const [first] = found;
    if (first === undefined || found.length > 1) {
      throw new Error(`${found.length} resources of ${type} begin with "${prefix}"`);
    }
    return { id: first[0], ...first[1] };
  }

  outputs(): Record<string, { readonly Value: unknown }> {
    return this.template.toJSON().Outputs;
  }
}

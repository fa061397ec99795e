import type { EmulatorKind } from '../../lib/local/attached/emulator.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: string | readonly string[];
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
}

export interface Edited {
  readonly template: Template;
  /** What was changed and why, one line each. */
  readonly notes: readonly string[];
}

/**
 * The template as an emulator can deploy it. Only gaps that make a deployment fail or go wrong are filled, each by the
 * smallest change; what the emulator merely ignores is left to {@link file://./settle.ts}.
 */
export function templateFor(kind: EmulatorKind, template: Template): Edited {
  if (kind !== 'ministack') return { template, notes: [] };
  const notes: string[] = [];
  const kept: Record<string, Resource> = {};
  for (const [id, resource] of Object.entries(template.Resources)) {
    const gap = unsupported(resource);
    if (gap === undefined) kept[id] = withFifoName(id, resource, notes);
    else notes.push(`${id} left out: ${gap}`);
  }
  const removed = new Set(Object.keys(template.Resources).filter((id) => !(id in kept)));
  const resources = Object.fromEntries(
    Object.entries(kept).map(([id, resource]) => [id, withoutDependencies(resource, removed)]),
  );
  return { template: { ...template, Resources: resources }, notes };
}

/** Why MiniStack 1.4.21 rolls the whole stack back over this resource, if it does. */
function unsupported({ Type, Properties }: Resource): string | undefined {
  if (Type === 'AWS::ApiGatewayV2::RouteResponse')
    return 'MiniStack has no route responses; the gateway in front always sends them';
  if (Type === 'AWS::CloudWatch::Alarm' && Properties?.Metrics !== undefined)
    return 'MiniStack has no alarms over metric math';
  return undefined;
}

/** Without a name that ends in `.fifo` MiniStack makes a standard queue of it. */
function withFifoName(id: string, resource: Resource, notes: string[]): Resource {
  const { Type, Properties } = resource;
  if (Type !== 'AWS::SQS::Queue' || Properties?.FifoQueue !== true || Properties.QueueName !== undefined)
    return resource;
  const QueueName = `${id}.fifo`;
  notes.push(`${id} named ${QueueName}: MiniStack knows a FIFO queue by its name only`);
  return { ...resource, Properties: { ...Properties, QueueName } };
}

function withoutDependencies(resource: Resource, removed: ReadonlySet<string>): Resource {
  const { DependsOn, ...rest } = resource;
  if (DependsOn === undefined) return resource;
  const left = [DependsOn].flat().filter((id) => !removed.has(id));
  return left.length === 0 ? rest : { ...rest, DependsOn: left };
}

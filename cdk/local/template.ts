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
  /** One line for each change, with its reason. */
  readonly notes: readonly string[];
}

/**
 * The template that an emulator can deploy. It differs only where the deployment would otherwise
 * fail or be wrong, each time by the smallest change. settle.ts sets what the emulator ignores.
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

/**
 * The reason for which MiniStack 1.4.21 would roll back the stack because of this resource, if any.
 */
function unsupported({ Type, Properties }: Resource): string | undefined {
  if (Type === 'AWS::ApiGatewayV2::RouteResponse')
    return 'MiniStack has no route responses; the gateway in front always sends them';
  if (Type === 'AWS::CloudWatch::Alarm' && Properties?.Metrics !== undefined)
    return 'MiniStack has no alarms over metric math';
  return undefined;
}

/** MiniStack creates a standard queue unless the name ends in `.fifo`. */
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

import { Construct } from 'constructs';
import type { EdgeSettings } from '../../edge-settings.ts';
import type { StageSettings } from '../../settings.ts';
import type { Gateway } from '../gateway.ts';
import type { ServiceFunction } from '../service-function.ts';
import { BackDoor } from './back-door.ts';
import { EdgePolicy } from './edge-policy.ts';
import { Fleet } from './fleet.ts';

/**
 * Stock MQTT clients: processes that hold their connections, and the back door to these processes.
 */
export class Edge extends Construct {
  readonly backDoorFunction: ServiceFunction;
  readonly backDoor: BackDoor;
  readonly policy: EdgePolicy;
  readonly #settings: StageSettings;
  readonly #edge: EdgeSettings;

  constructor(
    scope: Construct,
    id: string,
    settings: StageSettings,
    edge: EdgeSettings,
    { backDoorFunction, gateway }: { readonly backDoorFunction: ServiceFunction; readonly gateway: Gateway },
  ) {
    super(scope, id);
    this.#settings = settings;
    this.#edge = edge;
    this.backDoorFunction = backDoorFunction;
    this.backDoor = new BackDoor(this, 'Door', settings, { backDoorFunction, gateway });
    this.policy = new EdgePolicy(this, 'Process', settings);
    this.backDoor.grantConnect(this.policy);
  }

  /** Adds the tasks, if the settings have any, with what the policy has been granted before. */
  addFleet(): Fleet | undefined {
    const { fleet } = this.#edge;
    return fleet && new Fleet(this, 'Fleet', this.#settings, fleet, this.policy);
  }
}

/** Nodes, instances on them, and tcpvs in front: one lane of the testbed, in which one policy runs at a time. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type ServeProcess, startServe } from '../../../src/cli/demo-serve.ts';
import type { ControlGroups, NodeGroup, NodeLimits } from './control-groups.ts';
import type { Target } from './generator.ts';
import { type InstanceProcess, makeData, startInstance } from './instance-process.ts';
import type { InstanceOptions } from './instance.ts';
import { type Cell, type Front, manifestsOf, type PlacedCell, serverOf } from './manifests.ts';
import { addNode, type NodeNetwork } from './network.ts';
import { INSTANCE_MEMORY, type NodeSize, type Scenario, TIMEOUT } from './scenarios.ts';
import { type ProcessUsage, usageOf } from './usage.ts';

export interface StageOptions {
  /** Name of the lane, its own. */
  readonly name: string;
  /** Names of its nodes. */
  readonly nodes: readonly string[];
  readonly groups: ControlGroups;
  /** On the disk whose reads are limited. */
  readonly directory: string;
  /** Of the instances: `instanceProgram`. */
  readonly program: string;
  /** The program of tcpvs and its first words; default: that of this checkout. */
  readonly tcpvs?: readonly [string, ...string[]];
}

export interface Act {
  readonly scenario: Scenario;
  readonly cells: readonly Cell[];
  readonly front: Omit<Front, 'port'>;
}

/** What runs until it is stopped. */
export interface Performance {
  readonly target: Target;
  /** Per cell, in the order that they were given in. */
  usage(): readonly ProcessUsage[];
  /** Names of the instances that have ended by themselves. */
  died(): readonly string[];
  stop(): Promise<void>;
}

/** Where one policy runs at a time. */
export type Lane = Pick<Stage, 'perform'>;

interface Node {
  readonly group: NodeGroup;
  readonly network: NodeNetwork;
}

/** Every lane's tcpvs has a port of its own: they share the loopback. */
let lastPort = 8000;
const FIRST_INSTANCE_PORT = 9001;

export class Stage {
  readonly #options: StageOptions;
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #port = ++lastPort;

  constructor(options: StageOptions) {
    this.#options = options;
    const { name, nodes, groups, directory } = options;
    mkdirSync(this.#place(), { recursive: true });
    this.#nodes = new Map(
      nodes.map((node) => {
        const own = `${name}-${node}`;
        return [node, { group: groups.add(own, directory), network: addNode(own) }];
      }),
    );
  }

  /** Instances are new, warm, and then limited; tcpvs is new and ready. Errors: the stage is empty again. */
  async perform({ scenario, cells, front }: Act): Promise<Performance> {
    const placed = cells.map((cell, at): PlacedCell => {
      const { address } = this.#node(cell.node).network;
      return { ...cell, address, port: FIRST_INSTANCE_PORT + at };
    });
    const instances: InstanceProcess[] = [];
    let serve: ServeProcess | null = null;
    const stop = async (): Promise<void> => {
      await serve?.stop();
      await Promise.all(instances.map((instance) => instance.stop()));
      for (const { group } of this.#nodes.values()) group.empty();
    };
    try {
      for (const cell of placed) instances.push(await this.#start(scenario, cell));
      serve = await this.#serve(scenario, placed, { ...front, port: this.#port });
      for (const size of scenario.nodes) this.#node(size.name).group.limit(limitsOf(scenario, size));
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      target: { address: '127.0.0.1', port: this.#port, timeout: TIMEOUT },
      usage: () => instances.map(({ pid }) => usageOf(pid)),
      died: () => placed.filter((_, at) => instances[at]!.died()).map(serverOf),
      stop,
    };
  }

  #start(scenario: Scenario, cell: PlacedCell): Promise<InstanceProcess> {
    const { group, network } = this.#node(cell.node);
    const { name: _name, part: _part, ...knobs } = scenario.apps.find(({ name }) => name === cell.app)!;
    const data = join(this.#place(), `${cell.node}-${cell.app}.data`);
    const blocks = knobs.cached + knobs.disk > 0 ? scenario.blocks : 0;
    makeData(data, blocks);
    const options: InstanceOptions = { ...knobs, port: cell.port, address: cell.address, data, blocks };
    return startInstance(this.#options.program, [...group.enter, ...network.enter], options);
  }

  #serve({ apps }: Scenario, cells: readonly PlacedCell[], front: Front): Promise<ServeProcess> {
    const { tcpvs } = this.#options;
    const config = join(this.#place(), 'manifests');
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, 'all.yaml'), manifestsOf(apps, cells, front));
    const socket = join(this.#place(), 'admin.sock');
    return startServe({ config, socket, workers: 1, ...(tcpvs === undefined ? {} : { command: tcpvs }) });
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new RangeError(`stage ${this.#options.name} has no node ${name}`);
    return node;
  }

  #place(): string {
    return join(this.#options.directory, this.#options.name);
  }
}

function limitsOf({ instancesPerNode, room, io }: Scenario, { cpu }: NodeSize): NodeLimits {
  return { cpu, memory: instancesPerNode * INSTANCE_MEMORY + room, io };
}

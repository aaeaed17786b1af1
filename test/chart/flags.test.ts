/** The command lines of the chart's pods, read by the program itself. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { readCommandLine } from '../../src/cli/command-line.ts';
import { CONTROLLER_HELP, type ControllerCommandOptions, controllerOptions } from '../../src/cli/controller-options.ts';
import { PROXY_HELP, type ProxyOptions, proxyOptions } from '../../src/cli/proxy-options.ts';
import { needsHelm, rendered } from './stage.ts';

const EVERYTHING = {
  className: 'edge',
  watchNamespaces: ['shop', 'bank'],
  trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
  publish: { addresses: ['203.0.113.10', 'edge.example'] },
  placement: { manage: true },
  podMetrics: { enabled: true, seconds: 30 },
  secrets: { namespaces: ['shop'] },
  controller: { port: 9444, adminPort: 8081, logLevel: 'debug' },
  proxy: {
    logLevel: 'warn',
    accessLog: 0.01,
    tracing: { endpoint: 'http://collector.watch:4318', sample: 0.2, headersSecret: 'collector-key' },
    workers: 4,
    metricSeries: 1000,
    adminPort: 9001,
    drain: { delaySeconds: 7, timeoutSeconds: 60 },
  },
};

const ENVIRONMENT = { POD_NAMESPACE: 'tcpvs-system', POD_NAME: 'edge-controller-0', POD_IP: '10.244.0.2' };

/** Arguments of a pod of the chart behind the name of the command. */
function args(values: object, pod: 'controller' | 'proxy'): readonly string[] {
  const [name, ...rest] = rendered(values).pods().get(`edge-${pod}`).spec.containers[0].args;
  assert.equal(name, pod);
  return rest;
}

const ofController = (values: object): ControllerCommandOptions =>
  controllerOptions(readCommandLine(CONTROLLER_HELP, args(values, 'controller')), ENVIRONMENT, null);

const ofProxy = (values: object): ProxyOptions => proxyOptions(readCommandLine(PROXY_HELP, args(values, 'proxy')));

/** Names of the options that some values give. */
const given = (pod: 'controller' | 'proxy'): ReadonlySet<string> =>
  new Set([...args({}, pod), ...args(EVERYTHING, pod)].map((arg) => /^--([a-z-]+)(?:=|$)/.exec(arg)?.[1] ?? arg));

describe('the flags of the chart', needsHelm, () => {
  it('are the controller’s', () => {
    const { controller, admin } = ofController({});
    assert.deepEqual(
      [controller.name, controller.namespace, controller.className, controller.watchNamespaces],
      ['edge', 'tcpvs-system', 'tcpvs', null],
    );
    assert.deepEqual(
      [controller.listen, admin],
      [
        { address: '::', port: 9443 },
        { address: '::', port: 8080 },
      ],
    );
    assert.equal(controller.serverName, 'edge-controller.tcpvs-system.svc');
    assert.equal(controller.publishService, 'tcpvs-system/edge-proxy');
    assert.deepEqual([controller.manageWorkloads, controller.podMetrics], [false, null]);

    const all = ofController(EVERYTHING);
    assert.deepEqual(all.controller.watchNamespaces, ['shop', 'bank']);
    assert.deepEqual(all.controller.secretNamespaces, ['shop']);
    assert.deepEqual(all.controller.publishAddresses, [
      { type: 'IPAddress', value: '203.0.113.10' },
      { type: 'Hostname', value: 'edge.example' },
    ]);
    assert.deepEqual([all.controller.className, all.controller.listen.port, all.admin.port], ['edge', 9444, 8081]);
    assert.equal(all.logLevel, 'debug');
    assert.deepEqual([all.controller.manageWorkloads, all.controller.podMetrics], [true, 30]);
  });

  it('are the proxies’', () => {
    const options = ofProxy({});
    assert.deepEqual(options.controller, { host: 'edge-controller.tcpvs-system.svc', port: 9443 });
    assert.deepEqual(
      [options.bundleFile, options.tokenFile, options.stateDir],
      ['/etc/tcpvs/ca/ca.crt', '/var/run/secrets/tcpvs/token', '/var/lib/tcpvs/state'],
    );
    const all = ofProxy(EVERYTHING);
    assert.deepEqual(all.controller, { host: 'edge-controller.tcpvs-system.svc', port: 9444 });
    assert.deepEqual([all.admin.port, all.workers, all.metricSeries, all.accessLog], [9001, 4, 1000, 0.01]);
    assert.deepEqual([all.otlp?.endpoint.host, all.traceSample], ['collector.watch:4318', 0.2]);
    assert.deepEqual(all.trustedProxies, ['10.0.0.0/8', 'fd00::/8']);
    assert.deepEqual([all.drainDelay, all.drainTimeout], [7000, 60_000]);
    assert.deepEqual([all.logLevel, all.className], ['warn', 'edge']);
    // One thread for each processor of the node.
    assert.ok(ofProxy({ proxy: { workers: 0 } }).workers >= 1);
  });

  it('are all that there is to say: what has no value in the chart is named here', () => {
    const [toController, toProxy] = [given('controller'), given('proxy')];
    // The pod says where it is, and by which account.
    const left = Object.keys(CONTROLLER_HELP.options).filter((option) => !toController.has(option));
    assert.deepEqual(left, ['namespace', 'kubeconfig']);
    // A pod's limit is its control group's (`proxy.resources`), which the proxy finds by itself.
    assert.deepEqual(
      Object.keys(PROXY_HELP.options).filter((option) => !toProxy.has(option)),
      ['memory-limit'],
    );
  });
});

"""Autobahn's WebSocket suite, on Jython (Python 2). Usage:

    wstest.py LIB server URL              an echo server, until its standard input ends
    wstest.py LIB client URL OUT CASES    asks it; OUT/index.json says how each case went (CASES: 1.*,2.*)
"""

import os
import sys
import threading
import types

lib, mode, url = sys.argv[1:4]
sys.path[:0] = [lib, lib + '/autobahntestsuite']


def stand_in(name, **members):
    """A module that Jython cannot load, or is not to run: a package without the code of its own."""
    module = types.ModuleType(name)
    module.__path__ = [lib + '/' + name.replace('.', '/')]
    module.__dict__.update(members)
    sys.modules[name] = module
    if '.' in name:
        parent, own = name.rsplit('.', 1)
        setattr(sys.modules[parent], own, module)


# Twisted marks what is out of date by putting something else in a package's place; Jython loses its modules then.
stand_in('twisted', __version__='20.3.0')
stand_in('twisted.python')
import twisted.python.deprecate
twisted.python.deprecate.deprecatedModuleAttribute = lambda *words: None
import twisted.internet
import twisted.web
# Processes, TLS and web pages, which these two modes have no use for.
stand_in('twisted.internet.process', reapAllProcesses=lambda: None, Process=object, PTYProcess=object)
stand_in('twisted.internet.ssl', ClientContextFactory=object)
for name in ('server', 'static', 'resource'):
    stand_in('twisted.web.' + name, Site=None, File=None, Resource=object)
stand_in('autobahntestsuite', version='25.10.1', __file__=lib + '/autobahntestsuite/__init__.py')

from twisted.internet import selectreactor
selectreactor.install()
from twisted.internet import reactor
from twisted.python import log

log.startLogging(sys.stderr, setStdout=False)
if mode == 'client':
    import fuzzing
    out, cases = sys.argv[4:6]
    factory = fuzzing.FuzzingClientFactory({
        'outdir': out,
        'servers': [{'agent': 'echo', 'url': url}],
        'cases': cases.split(','),
        'exclude-cases': [],
        'exclude-agent-cases': {},
    }, False)
else:
    import testee
    from autobahn.twisted.websocket import listenWS
    factory = testee.TesteeServerFactory(url, False)
    listenWS(factory)
    # behind a proxy, clients name another port
    factory.externalPort = None
    print('listening')
    sys.stdout.flush()

    def wait():
        sys.stdin.read()
        os._exit(0)

    waiting = threading.Thread(target=wait)
    waiting.daemon = True
    waiting.start()
reactor.run(installSignalHandlers=False)

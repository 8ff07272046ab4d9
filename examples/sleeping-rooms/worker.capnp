# Runs the worker with workerd alone, which evicts an object after 10 seconds, as Cloudflare does.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "dist/worker.js")],
  compatibilityDate = "2026-04-15",
  durableObjectNamespaces = [(className = "Room", uniqueKey = "room")],
  durableObjectStorage = (inMemory = void), # for alarms use localDisk: with inMemory, they crash workerd 1.20260415
  bindings = [(name = "ROOM", durableObjectNamespace = "Room")],
);

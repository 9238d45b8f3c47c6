#pragma once

// One thread: a loop, its listeners, clients and upstream pools. Nothing in here is shared but what
// the header says.

#include <cstdint>
#include <memory>
#include <vector>

#include "accept/reception.h"
#include "client/clients.h"
#include "deploy/deployment.h"
#include "deploy/listener_tls.h"
#include "fleet/fleet_limits.h"
#include "fleet/notices.h"
#include "net/deadline.h"
#include "net/mailbox.h"
#include "net/resolver.h"
#include "net/uv_loop.h"
#include "observe/access_log.h"
#include "observe/metrics.h"
#include "proxy/environment.h"

namespace server {

// Resource, owned by the server, outlives its thread. Public functions: any thread, but where they
// say otherwise.
class Worker {
 public:
  // `ledger` may be null.
  Worker(const std::shared_ptr<const deploy::Deployment>& deployment,
         observe::AccessLog& access_log,
         ledger::Ledger* ledger,
         accepting::SharedCounts& shared,
         net::NameSource& names,
         fleet::Notices& fleet_notices);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  Worker(Worker&&) = delete;
  Worker& operator=(Worker&&) = delete;

  // Before run(): accepts from `sockets`, which listen as `listen` says, too; what is behind them
  // is `leads_to`. `tls` null: plain.
  void listen(std::vector<base::Fd> sockets,
              const config::Listen& listen,
              const proxy::Entrance& leads_to,
              const std::shared_ptr<const deploy::ListenerTls>& tls);

  // The thread's body: returns when everything on the loop has ended after drain() or stop().
  void run();

  void reload(std::shared_ptr<const deploy::Deployment> deployment);
  // Who connects from now on meets these; by listener, in the order of listen().
  void renew_tls(deploy::ListenersTls listeners);
  void drain();
  void stop();

  // Calls `message` on the worker's thread; false once it has ended.
  bool post(net::Mailbox::Message message) { return mailbox_.post(std::move(message)); }

  [[nodiscard]] const observe::Metrics& metrics() const { return metrics_; }

 private:
  // The loop's thread.
  void on_client_closed(const client::ClientSession& session);
  void on_received();
  void update_accepting();
  void relieve_memory();
  void begin_drain();
  void cut_all();
  void end_if_done();
  [[nodiscard]] std::shared_ptr<tls::ServerContext> make_tls(
      const std::shared_ptr<const deploy::ListenerTls>& listener);
  void share_limits(const config::Redis& redis);
  [[nodiscard]] proxy::SnapshotRef compile(
      const std::shared_ptr<const deploy::Deployment>& deployment);

  observe::Metrics metrics_;  // first: its alignment would leave a gap
  net::UvLoop loop_;
  net::Resolver resolver_;
  fleet::Notices& fleet_notices_;
  std::shared_ptr<fleet::FleetLimits> fleet_limits_;  // null: none are shared
  accepting::SharedCounts& shared_;
  proxy::Environment environment_;
  client::Clients clients_;
  net::Mailbox mailbox_;
  accepting::Reception reception_;
  std::vector<std::unique_ptr<accepting::Entrance>> entrances_;
  net::Deadline accept_again_;
  net::Deadline drain_deadline_;
  net::Deferred relieve_memory_;
  net::Deferred end_if_done_;
  uint64_t relieve_again_ms_ = 0;
  bool holding_ = false;  // at the connection limit
  bool ended_ = false;
};

}  // namespace server

#pragma once

// The whole proxy in one object: workers, listeners, the current configuration.

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "net/inherited.h"

namespace server {

// Resource, made by main() (or a test). Public functions may be called from any thread.
class Server {
 public:
  explicit Server(std::shared_ptr<const config::Config> config);
  ~Server();  // stops without drain if still running
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Server(Server&&) = delete;
  Server& operator=(Server&&) = delete;

  // Binds every listener that is not among the `inherited` and starts the workers; returns once
  // they accept. On an error, which says which address or file and what to do, nobody has been
  // accepted.
  [[nodiscard]] base::Result<std::monostate, std::string> start(
      net::InheritedSockets inherited = {});

  // Where it listens, in the order of `config.listen`, with the ports the system chose for 0.
  [[nodiscard]] std::vector<config::Listen> listening() const;
  // Where the admin endpoint listens; nothing when it is off.
  [[nodiscard]] std::optional<config::Listen> admin_listening() const;
  // The sockets it listens on, each once, for a successor to inherit. The workers' own, open until
  // drain() or stop(), from whose thread this is called.
  [[nodiscard]] std::vector<int> listening_sockets() const;

  // New requests use `config` from now on; running exchanges end on the old one. The listeners,
  // `workers` and `admin` stay as they were started; a difference there is logged as needing a
  // restart. What a listener's `tls` says, and its files anew, is for new connections.
  // The error (a certificate, a CA file, the access log) leaves everything as it was.
  [[nodiscard]] base::Result<std::monostate, std::string> reload(
      std::shared_ptr<const config::Config> config);

  // Whether there are files that renew_certificates() looks at.
  [[nodiscard]] bool has_certificates() const;
  // Reads the certificates of listeners anew where their files have changed. Those that are wrong,
  // say half written, are logged; the former ones stay, and the next call tries again.
  void renew_certificates();

  // The same for the files that keys and tokens come from.
  [[nodiscard]] bool has_secret_files() const;
  void renew_secrets();

  // Reopens the access log's file.
  void reopen_logs();

  // Stops accepting, lets running exchanges end for at most `timeouts.drain`, then cuts them.
  void drain();

  // Blocks until every worker has ended after drain() or stop().
  void wait();

  // Ends now, cutting what runs.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace server

#pragma once

// What becomes of a request, from its arrival to its end, in the order in which it is asked:
//   admit    may it come in at all, and whose is it
//   choose   which route takes it, and may that one have it
//   charge   what may it cost, and do the limits of client and key carry it
//   prepare  what of it goes up, and what of the response goes down
//   review   what follows a response that is a redirect (policy/retry: an attempt that failed)
//   observe  what it came to
//
// No sockets, no clock of its own, no upstreams but by name: values in, values out.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/out_queue.h"
#include "base/url.h"
#include "config/config.h"
#include "http/head.h"
#include "http/message_rules.h"
#include "policy/account.h"
#include "policy/gateway.h"
#include "policy/redirect.h"
#include "policy/route.h"
#include "policy/shared_limits.h"
#include "policy/verdict.h"

namespace policy {

// What is known of a request. Borrowed, for as long as the request lives.
struct Asked {
  const http::Head& head;
  const http::MessageTraits& traits;
  std::string_view client_address;
  bool is_https = false;
  base::Arena& arena;
  const base::OutQueue& body;  // what is here of it
  bool body_is_whole = false;
  Waker waker = {};  // for a verdict to wait
};

// What policy keeps of one request, from its first question to the end: whatever it took for it
// (places, reservations) goes back in destructors.
struct PolicyState {
  const Route* route = nullptr;
  std::unique_ptr<Account> account = {};   // nullptr: nobody answers for it
  std::unique_ptr<SharedClaim> view = {};  // of a client that asks about itself
  BodyTap* tap = nullptr;                  // nullptr: nobody wants the response's body
  Line::Place place = {};                  // where it waits for a limit
  int64_t waits_until_us = 0;              // there
};

// An upstream as a request is prepared for it. Borrowed for the call.
struct Destination {
  const base::Url& url;  // origin and base path
  std::string_view host;
  bool hides_page = false;
  bool marks_requests = false;               // see policy/loop.h
  const base::Url* redirected_to = nullptr;  // the whole of what is asked there
  bool drops_body = false;                   // a redirect made it a GET
  bool drops_credentials = false;            // a redirect left the origin
};

// A response as it is reviewed and prepared. Borrowed for the call.
struct Answered {
  http::Head& head;
  std::string_view method;  // of the request that it answers, as it went up
  std::string_view target;
  std::string_view asked_host;  // its Host
  const base::Url& asked_url;   // the origin it went to
  const base::Url& upstream;    // the route's: origin and base path
  std::string_view host;        // the route's
  const base::Url* redirected_to = nullptr;
  bool body_is_held = true;  // the request's, so that it can be sent again

  // What was asked last.
  [[nodiscard]] base::Url url() const {
    return redirected_to != nullptr ? *redirected_to
                                    : base::Url{asked_url.origin, std::string(target)};
  }
};

// Value, immutable once compiled. Any thread.
class Pipeline {
 public:
  // Without a gateway: no clients, no keys. Without shared limits each process has its own.
  explicit Pipeline(const config::Config& config,
                    std::shared_ptr<const Gateway> gateway = {},
                    std::shared_ptr<SharedLimits> shared = {})
      : router_(config),
        gateway_(std::move(gateway)),
        shared_(std::move(shared)),
        me_path_(config.me_path),
        inspect_bytes_max_(config.limits.inspect_bytes_max) {}

  [[nodiscard]] const Router& router() const { return router_; }
  // Whether anything depends on the time.
  [[nodiscard]] bool has_gateway() const { return gateway_ != nullptr; }

  // Before anything is known of a request.
  void begin(PolicyState& state) const { state.route = &router_.fallback(); }

  // admit, choose and charge. An answer without an error has been put into `response`.
  [[nodiscard]] Verdict decide(const Asked& asked,
                               bool memory_is_tight,
                               const Now& now,
                               http::Head& response,
                               PolicyState& state) const;

  // The answer where nothing may be begun for want of memory.
  [[nodiscard]] static Verdict refuse_for_memory();

  // The response's head is here: its taps begin.
  static void begin_response(const http::Head& head, bool is_tunnel, PolicyState& state);

  // The end, see Account::settle(). Nothing where nobody answers for it.
  [[nodiscard]] static std::optional<Bill> observe(bool was_served,
                                                   const Now& now,
                                                   PolicyState& state);

  // What is wrong with a body of so many bytes, or with one that has so many so far.
  [[nodiscard]] static std::optional<openai::ApiError> check_body(uint64_t bytes,
                                                                  const PolicyState& state);

  // Makes the `head` that goes up.
  static void prepare_request(const Asked& asked,
                              const Destination& to,
                              const PolicyState& state,
                              http::Head& head);

  // Make of an upstream's head, in place, what goes down.
  static void prepare_interim(const Asked& asked, const PolicyState& state, http::Head& head);
  static void prepare_tunnel(const Asked& asked, const PolicyState& state, http::Head& head);
  void prepare_response(const Asked& asked,
                        const PolicyState& state,
                        const Answered& answered,
                        bool is_event_stream) const;

  // The redirect that is followed instead of handing on the response, the `redirects`-th.
  [[nodiscard]] static std::optional<Redirect> review(const Asked& asked,
                                                      const PolicyState& state,
                                                      const Answered& answered,
                                                      uint32_t redirects);

 private:
  [[nodiscard]] std::optional<Verdict> identify(const Asked& asked,
                                                const Now& now,
                                                PolicyState& state) const;
  [[nodiscard]] Verdict about(const Asked& asked, const Now& now, PolicyState& state) const;
  [[nodiscard]] std::optional<Verdict> charge(const Asked& asked,
                                              const Now& now,
                                              PolicyState& state) const;
  [[nodiscard]] std::optional<Verdict> admit(const Asked& asked,
                                             const Now& now,
                                             http::Head& response,
                                             PolicyState& state) const;
  [[nodiscard]] std::optional<Verdict> choose(const Asked& asked, PolicyState& state) const;

  Router router_;
  std::shared_ptr<const Gateway> gateway_;
  std::shared_ptr<SharedLimits> shared_;
  std::string me_path_;
  uint64_t inspect_bytes_max_;
};

}  // namespace policy

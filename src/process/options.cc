#include "process/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <utility>
#include <variant>

#include "base/nearest_word.h"
#include "base/standard_streams.h"
#include "config/load.h"

namespace process {
namespace {

// What was probably meant by an argument that is none of ours.
std::string about_extra(const std::string& argument) {
  if (!argument.starts_with('-')) {
    const bool is_file = argument.ends_with(".yaml") || argument.ends_with(".yml");
    const std::string meant = is_file                            ? "--config"
                              : config::parse_upstream(argument) ? "--upstream"
                              : config::parse_listen(argument)   ? "--listen"
                                                                 : "";
    return fmt::format("unknown argument \"{}\"{}",
                       argument,
                       meant.empty() ? "" : fmt::format("; did you mean {} {}?", meant, argument));
  }
  const std::string name = argument.substr(0, argument.find('='));
  const auto nearest = base::nearest_word(name,
                                          {"--config",
                                           "--listen",
                                           "--upstream",
                                           "--log-level",
                                           "--api-key-file",
                                           "--token-file",
                                           "--check",
                                           "--print-config",
                                           "--version",
                                           "--help"});
  // What stands behind it may be a secret.
  return fmt::format("unknown option \"{}\"{}",
                     name,
                     nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest));
}

// Puts the addresses of the command line in front of the file's.
base::Result<std::monostate, std::string> set_listen(const std::vector<std::string>& addresses,
                                                     config::Config& config) {
  for (size_t i = 0; i < addresses.size(); ++i) {
    const auto listen = config::parse_listen(addresses[i]);
    if (!listen) return "--listen: " + listen.error();
    if (i == config.listen.size()) config.listen.emplace_back();
    // What else the file says of it stays: TLS must not be lost with its address.
    config::Listen& each = config.listen[i];
    each.host = listen->host;
    each.port = listen->port;
    each.unix_path = listen->unix_path;
    const bool is_twice =
        std::any_of(config.listen.begin(),
                    config.listen.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const config::Listen& before) { return before.text() == each.text(); });
    const bool is_any_port = each.unix_path.empty() && each.port == 0;
    if (is_twice && !is_any_port) return "--listen: " + each.text() + " is listened on already";
  }
  return std::monostate{};
}

// What stands in place of the options' defaults; each takes --config, too.
void add_commands(CLI::App& app, Options& options) {
  CLI::App* const token = app.add_subcommand("token", "tokens of clients; see token new --help");
  CLI::App* const make = token->add_subcommand(
      "new", "make a token, and print it with the lines for the configuration");
  make->add_option("NAME", options.token_for, "the client it is for")->required();
  make->callback([&options] { options.command = Command::make_token; });
  token->require_subcommand(1);

  CLI::App* const usage =
      app.add_subcommand("usage", "print what was used, of the state.file of --config");
  usage->add_option("--by", options.usage.by, "client, model, upstream, key or day")
      ->capture_default_str();
  usage->add_option("--since", options.usage.since, "24h, 7d … or all")->capture_default_str();
  CLI::Option* const json = usage->add_flag("--json", options.usage.json, "as JSON");
  usage->add_flag("--csv", options.usage.csv, "as CSV")->excludes(json);
  usage->callback([&options] { options.command = Command::print_usage; });
  usage->fallthrough();

  CLI::App* const clients = app.add_subcommand(
      "clients", "print the clients of --config with their limits and what is used of them");
  clients->callback([&options] { options.command = Command::print_clients; });
  clients->fallthrough();
}

// A key and a token for one person, without a configuration file.
base::Result<std::monostate, std::string> set_secrets(const Options& options,
                                                      config::Config& config) {
  if (!options.api_key_file.empty()) {
    auto key = config::secret_of_file(options.api_key_file);
    if (!key) return "--api-key-file: " + key.error();
    config.upstreams.at("openai").keys = {{.name = "1", .key = *std::move(key)}};
  }
  if (!options.token_file.empty()) {
    auto token = config::secret_of_file(options.token_file);
    if (!token) return "--token-file: " + token.error();
    config::Client client = config.client_defaults;
    client.token = *std::move(token);
    config.clients["me"] = std::move(client);
  }
  if (!options.api_key_file.empty() && config.clients.empty() && !config.allow_anonymous) {
    return std::string(
        "--api-key-file: whoever reaches this proxy could use the key: add --token-file FILE with "
        "a "
        "token of your own (openai-proxy token new me), or `clients` in a configuration");
  }
  return std::monostate{};
}

}  // namespace

// What escapes the flags' library is want of memory, which ends the program anyway.
// NOLINTNEXTLINE(bugprone-exception-escape)
base::Result<Options, int> parse_options(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Forwards HTTP requests to the OpenAI API and streams the answers back, with CORS.\n"
      "Without options: listens on 0.0.0.0:8080, forwards to https://api.openai.com.",
      "openai-proxy");
  app.add_option("-c,--config", options.config_file, "YAML file; see conf/openai-proxy.yaml")
      ->check([](const std::string& file) {
        return file.empty() ? "expected the name of a YAML file, found nothing; leave --config out "
                              "to run with the defaults"
                            : "";
      });
  app.add_option("-l,--listen",
                 options.listen,
                 "first listener: HOST:PORT, [V6]:PORT, PORT or unix:PATH; again for more")
      ->allow_extra_args(false);
  app.add_option("-u,--upstream", options.upstream, "URL of the default upstream, or unix:PATH");
  app.add_option("--log-level", options.log_level, "debug, info, warning or error");
  app.add_option("--api-key-file",
                 options.api_key_file,
                 "file with the upstream's API key: clients need none, but a token");
  app.add_option("--token-file",
                 options.token_file,
                 "file with the token that clients show in place of an API key");
  app.add_flag("--check",
               options.check,
               "validate the configuration and the files it names, and exit; binds nothing");
  app.add_flag(
      "--print-config", options.print_config, "print the effective configuration and exit");
  app.set_version_flag("-V,--version", "openai-proxy " OPENAI_PROXY_VERSION);
  add_commands(app, options);
  app.footer(
      "Exit status: 0 done; 1 failed at run time, say an address in use; 2 the command line or the "
      "configuration is wrong.");
  app.allow_extras();  // to say more of them than the library does
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return base::end_output(app.exit(done));
  } catch (const CLI::ParseError& error) {
    base::print(stderr, "openai-proxy: {}\nSee openai-proxy --help.\n", error.what());
    return exit_usage;
  }
  if (const auto extra = app.remaining(); !extra.empty()) {
    base::print(stderr, "openai-proxy: {}\nSee openai-proxy --help.\n", about_extra(extra.front()));
    return exit_usage;
  }
  return options;
}

base::Result<config::Config, std::string> load(const Options& options) {
  config::Config config = config::default_config();
  if (!options.config_file.empty()) {
    auto loaded = config::load_file(options.config_file);
    if (!loaded) return loaded.error().text();
    config = std::move(*loaded);
  }
  const auto listens = set_listen(options.listen, config);
  if (!listens) return listens.error();
  if (!options.upstream.empty()) {
    const auto upstream = config::parse_upstream(options.upstream);
    if (!upstream) return "--upstream: " + upstream.error();
    config.upstreams.at("openai").url = *upstream;
  }
  const auto secrets = set_secrets(options, config);
  if (!secrets) return secrets.error();
  if (!options.log_level.empty()) {
    const auto level = config::parse_log_level(options.log_level);
    if (!level) return "--log-level: " + level.error();
    config.log.level = *level;
  }
  return config;
}

}  // namespace process

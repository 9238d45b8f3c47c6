#include "deploy/listener_tls.h"

#include <fmt/format.h>
#include <utility>

#include "base/file_mode.h"
#include "base/read_file.h"
#include "tls/pem.h"
#include "tls/trust_store.h"

namespace deploy {

namespace {

constexpr size_t pem_bytes_max = 1024 * 1024;  // a chain is about 4 KiB

std::vector<config::CertificateFiles> files_of(const config::ListenTls& listen) {
  std::vector<config::CertificateFiles> files = {{listen.certificate, listen.key}};
  files.insert(files.end(), listen.certificates.begin(), listen.certificates.end());
  return files;
}

// What is wrong; empty if nothing is.
std::string read_pem(const std::string& path, std::string& into) {
  auto text = base::read_file(path, pem_bytes_max);
  if (text) {
    into = *std::move(text);
    return {};
  }
  return tls::unreadable_file_text(path, text.error());
}

base::Result<std::shared_ptr<const tls::ServerCertificates>, std::string> load_certificates(
    const std::vector<config::CertificateFiles>& files) {
  std::vector<tls::CertificatePem> pems;
  for (const config::CertificateFiles& one : files) {
    tls::CertificatePem& pem = pems.emplace_back();
    std::string why = read_pem(one.certificate, pem.certificate);
    if (why.empty()) why = read_pem(one.key, pem.key);
    if (!why.empty()) return why;
    base::warn_if_anybody_may_read(one.key);
  }
  auto loaded = tls::ServerCertificates::from_pem(pems);
  if (loaded) return *std::move(loaded);
  const config::CertificateFiles& wrong = files[loaded.error().index];
  return fmt::format("{} with {}: {}", wrong.certificate, wrong.key, loaded.error().why);
}

}  // namespace

std::vector<base::FileStamp> stamps_of(const config::ListenTls& listen) {
  std::vector<base::FileStamp> stamps;
  for (const config::CertificateFiles& files : files_of(listen)) {
    stamps.push_back(base::stamp_of(files.certificate));
    stamps.push_back(base::stamp_of(files.key));
  }
  if (!listen.client_ca.empty()) stamps.push_back(base::stamp_of(listen.client_ca));
  return stamps;
}

base::Result<std::shared_ptr<const ListenerTls>, std::string> load_listener_tls(
    const config::ListenTls& listen, const ListenerTls* former) {
  auto made = std::make_shared<ListenerTls>();
  // Before reading: what is written meanwhile is then seen as new.
  made->stamps = stamps_of(listen);
  auto certificates = load_certificates(files_of(listen));
  if (!certificates) return certificates.error();
  made->certificates = *std::move(certificates);
  if (!listen.client_ca.empty()) {
    auto trust = tls::TrustStore::from_file(listen.client_ca);
    if (!trust) return trust.error();
    made->client_ca = *std::move(trust);
  }
  made->min_version =
      listen.min_version == config::TlsVersion::tls1_3 ? tls::Version::tls13 : tls::Version::tls12;
  made->ticket_keys = former != nullptr ? former->ticket_keys : std::make_shared<tls::TicketKeys>();
  return std::shared_ptr<const ListenerTls>(std::move(made));
}

base::Result<ListenersTls, std::string> load_listeners_tls(
    const std::vector<config::Listen>& listen, const ListenersTls& former) {
  ListenersTls loaded;
  for (size_t i = 0; i < listen.size(); ++i) {
    std::shared_ptr<const ListenerTls>& one = loaded.emplace_back();
    if (!listen[i].tls) continue;
    auto made = load_listener_tls(*listen[i].tls, former.empty() ? nullptr : former[i].get());
    if (!made) return fmt::format("listen[{}].tls ({}): {}", i, listen[i].text(), made.error());
    one = *std::move(made);
  }
  return loaded;
}

}  // namespace deploy

#include "channels.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <string.h>

#include <algorithm>

namespace spindle_grpc {

namespace {

std::string socket_text(const address &where, uint16_t port, bool mapped) {
    char text[ADDRESS_TEXT_BYTES];
    address_text(&where, text);
    std::string name = text;
    if (where.v6 || mapped) name = "[" + std::string(where.v6 ? "" : "::ffff:") + name + "]";
    return name + ":" + std::to_string(port);
}

// A URI that the library does not have to look up: it connects to what was judged.
std::string pinned(const std::vector<address> &addresses, uint16_t port) {
    bool v6 = std::any_of(addresses.begin(), addresses.end(), [](const address &a) { return a.v6; });
    std::string text = v6 ? "ipv6:" : "ipv4:", separator;
    for (const address &where : addresses) {
        text += separator + socket_text(where, port, v6);
        separator = ",";
    }
    return text;
}

} // namespace

std::shared_ptr<grpc::Channel> Channels::get(const Target &target, std::vector<address> addresses) {
    // DNS gives them in a new order each time; that is no other server.
    std::sort(addresses.begin(), addresses.end(), [](const address &a, const address &b) {
        return a.v6 != b.v6 ? b.v6 : memcmp(a.bytes, b.bytes, sizeof a.bytes) < 0;
    });
    std::string where = pinned(addresses, target.port), key = target.origin() + " " + where;
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if (entry->key != key) continue;
        entries_.splice(entries_.begin(), entries_, entry);
        return entry->channel;
    }
    grpc::ChannelArguments arguments;
    arguments.SetUserAgentPrefix("spindle-grpc/1");
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, target.authority());
    arguments.SetMaxReceiveMessageSize((int)config_.max_message_bytes);
    arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 64 << 10); // details of a status can be long
    // No compression: the library's limit on messages does not hold for what they inflate to. A server that compresses all the
    // same sends what is no message.
    arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);             // the environment has no say
    arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);                // those are the host's
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, (int)config_.connect_timeout_ms);
    if (config_.keepalive_ms > 0) {
        arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, (int)config_.keepalive_ms);
        arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000);
        arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0); // a long call may be silent for long
    }
    std::shared_ptr<grpc::ChannelCredentials> credentials;
    if (target.tls) {
        grpc::SslCredentialsOptions options;
        options.pem_root_certs = config_.roots;
        options.pem_cert_chain = config_.certificate;
        options.pem_private_key = config_.key;
        credentials = grpc::SslCredentials(options);
        wipe(options.pem_private_key);
        arguments.SetSslTargetNameOverride(config_.server_name.empty() ? target.host : config_.server_name);
    } else {
        credentials = grpc::InsecureChannelCredentials();
    }
    std::shared_ptr<grpc::Channel> channel = grpc::CreateCustomChannel(where, credentials, arguments);
    // Calls that are under way keep theirs.
    if (entries_.size() >= most) entries_.pop_back();
    entries_.push_front({std::move(key), channel});
    return channel;
}

void Channels::drop(const std::shared_ptr<grpc::Channel> &channel) {
    entries_.remove_if([&](const Entry &entry) { return entry.channel == channel; });
}

} // namespace spindle_grpc

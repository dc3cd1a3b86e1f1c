#include "config.h"

#include <jansson.h>
#include <string.h>

#include "descriptors.h"
#include "file.h"
#include "identity.h"

namespace spindle_grpc {

const char config_schema[] = R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
"additionalProperties":false,"properties":{
"addresses":{"enum":["default","public"],"default":"default","description":"Which addresses are refused: default refuses link-local, metadata, multicast and reserved ones; public also loopback and private ones."},
"allow":{"type":"array","maxItems":256,"items":{"type":"string"},"description":"Exceptions: addresses or ranges, with an optional port, such as 10.0.0.0/8 or 127.0.0.1:50051."},
"tls":{"type":"object","additionalProperties":false,"properties":{
"required":{"type":"boolean","default":false,"description":"Refuses targets that are grpc:// (plaintext)."},
"caFile":{"type":"string","description":"PEM file with the certificate authorities that count, instead of the system's."},
"certFile":{"type":"string","description":"PEM file with the client's certificate and its chain, for mutual TLS."},
"keyFile":{"type":"string","description":"PEM file with the client's private key."},
"key":{"type":"string","description":"The client's private key as secret://NAME, instead of keyFile."},
"serverName":{"type":"string","minLength":1,"maxLength":253,"description":"The name that the server's certificate has to have, if it is not the target's host."}}},
"descriptors":{"type":"string","description":"File with a descriptor set (protoc with descriptor_set_out and include_imports). What is in it is not asked of the server."},
"reflection":{"type":"boolean","default":true,"description":"Whether a server is asked for the descriptors that the file does not have."},
"descriptorsAgeMs":{"type":"integer","minimum":0,"maximum":86400000,"default":300000,"description":"How long descriptors from a server are used before it is asked again."},
"maxMessageBytes":{"type":"integer","minimum":1024,"maximum":268435456,"default":4194304,"description":"Longest message that is received."},
"maxArtefactBytes":{"type":"integer","minimum":1048576,"maximum":4294967296,"default":67108864,"description":"Longest response, as JSON, that is kept as an artefact."},
"connectTimeoutMs":{"type":"integer","minimum":100,"maximum":600000,"default":10000,"description":"For a connection with its TLS handshake."},
"keepaliveMs":{"type":"integer","minimum":0,"maximum":86400000,"default":300000,"description":"How long a call may hear nothing before the connection is tested by a ping; 0 = never. Servers refuse pings that come too often, most of them below 300000."}}})";

namespace {

bool wrong(Fault &fault, const std::string &pointer, const std::string &message) {
    return refuse(fault, "grpc.config", message, pointer);
}

// Reads the members of an object by a table; what is not in it is refused.
struct Member {
    const char *key;
    bool (*read)(Config &config, const json_t *value, const spindle_instance_config &source, Fault &fault);
};

bool read_members(Config &config, const json_t *object, const std::string &at, const std::vector<Member> &members,
                  const spindle_instance_config &source, Fault &fault) {
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return wrong(fault, at, "an object is wanted here");
    json_object_foreach(const_cast<json_t *>(object), key, value) {
        std::vector<std::string> names;
        const Member *found = nullptr;
        for (const Member &member : members) {
            names.push_back(member.key);
            if (strcmp(member.key, key) == 0) found = &member;
        }
        if (found == nullptr) {
            return wrong(fault, at, std::string("unknown key \"") + std::string(key).substr(0, 40) + "\"" + suggestion(key, names));
        }
        if (!found->read(config, value, source, fault)) {
            fault.pointer = at + "/" + key + fault.pointer;
            return false;
        }
    }
    return true;
}

bool read_flag(bool &flag, const json_t *value, Fault &fault) {
    flag = json_is_true(value);
    return json_is_boolean(value) || wrong(fault, "", "true or false is wanted here");
}

bool read_number(int64_t &number, const json_t *value, int64_t least, int64_t most, Fault &fault) {
    number = json_integer_value(value);
    if (json_is_integer(value) && number >= least && number <= most) return true;
    return wrong(fault, "", "a whole number from " + std::to_string(least) + " to " + std::to_string(most) + " is wanted here");
}

bool read_file(std::string &bytes, const json_t *value, const spindle_instance_config &source, size_t most, Fault &fault) {
    std::string why;
    if (!json_is_string(value)) return wrong(fault, "", "the path of a file is wanted here");
    return file_read(bytes, json_string_value(value), source, most, why) || wrong(fault, "", why);
}

bool read_pem(std::string &bytes, const json_t *value, const spindle_instance_config &source, Fault &fault) {
    if (!read_file(bytes, value, source, 1 << 20, fault)) return false;
    return bytes.find("-----BEGIN ") != std::string::npos || wrong(fault, "", "the file is not PEM: it has no -----BEGIN line");
}

bool read_addresses(Config &config, const json_t *value, const spindle_instance_config &, Fault &fault) {
    const char *mode = json_is_string(value) ? json_string_value(value) : "";
    config.policy.mode = strcmp(mode, "public") == 0 ? ADDRESS_PUBLIC : ADDRESS_DEFAULT;
    return config.policy.mode == ADDRESS_PUBLIC || strcmp(mode, "default") == 0 ||
           wrong(fault, "", "\"default\" or \"public\" is wanted here");
}

bool read_allow(Config &config, const json_t *value, const spindle_instance_config &, Fault &fault) {
    if (!json_is_array(value) || json_array_size(value) > ADDRESS_MOST_RANGES) {
        return wrong(fault, "", "a list of at most 256 addresses or ranges is wanted here");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        address_range range;
        if (!json_is_string(item) || !address_range_parse(&range, json_string_value(item), json_string_length(item))) {
            return wrong(fault, "/" + std::to_string(i),
                         "not an address or a range such as 10.0.0.0/8, 127.0.0.1:50051 or [fd00::/8]:443; no bits may be "
                         "set behind the prefix");
        }
        config.allow.push_back(range);
    }
    return true;
}

bool read_key_secret(Config &config, const json_t *value, const spindle_instance_config &source, Fault &fault) {
    spindle_str name, secret;
    size_t before;
    spindle_str text = spindle_str_make(json_string_value(value), json_string_length(value));
    if (!json_is_string(value) || !spindle_secret_name(text, &name, &before) || before != 0) {
        return wrong(fault, "", "secret://NAME is wanted here; keyFile names a file");
    }
    if (!SPINDLE_OFFERS(source.host, secret_get) ||
        source.host->secret_get(source.ctx, source.handle, name, &secret) != SPINDLE_OK) {
        return wrong(fault, "", "there is no such secret, or the sidecar does not grant it");
    }
    config.key.assign(secret.ptr, secret.len);
    return true;
}

bool read_server_name(Config &config, const json_t *value, const spindle_instance_config &, Fault &fault) {
    config.server_name.assign(json_is_string(value) ? json_string_value(value) : "");
    if (config.server_name.empty() || config.server_name.size() > 253) return wrong(fault, "", "a host's name is wanted here");
    for (char c : config.server_name) {
        if (c <= 0x20 || c >= 0x7F) return wrong(fault, "", "a host's name is wanted here; write IDNs as xn--");
    }
    return true;
}

#define MEMBER(key, body)                                                                                               \
    {key, [](Config &c, const json_t *v, const spindle_instance_config &s, Fault &f) -> bool {                          \
         (void)c, (void)s;                                                                                              \
         return body;                                                                                                   \
     }}

bool read_tls(Config &config, const json_t *value, const spindle_instance_config &source, Fault &fault) {
    static const std::vector<Member> members = {
        MEMBER("required", read_flag(c.tls_required, v, f)),
        MEMBER("caFile", read_pem(c.roots, v, s, f)),
        MEMBER("certFile", read_pem(c.certificate, v, s, f)),
        MEMBER("keyFile", read_pem(c.key, v, s, f)),
        {"key", read_key_secret},
        {"serverName", read_server_name},
    };
    if (!read_members(config, value, "", members, source, fault)) return false;
    if (json_object_get(value, "key") != nullptr && json_object_get(value, "keyFile") != nullptr) {
        return wrong(fault, "", "give key or keyFile, not both");
    }
    if (config.certificate.empty() != config.key.empty()) {
        return wrong(fault, "", "certFile and the key (keyFile or key) belong together: one of them is missing");
    }
    std::string why;
    return config.key.empty() || identity_check(config.certificate, config.key, why) || wrong(fault, "", why);
}

bool read_descriptors(Config &config, const json_t *value, const spindle_instance_config &source, Fault &fault) {
    std::string bytes, why;
    if (!read_file(bytes, value, source, 64 << 20, fault)) return false;
    config.descriptors = Schema::from_descriptor_set(bytes, why);
    return config.descriptors != nullptr || wrong(fault, "", why);
}

const std::vector<Member> &top_members() {
    static const std::vector<Member> members = {
        {"addresses", read_addresses},
        {"allow", read_allow},
        {"tls", read_tls},
        {"descriptors", read_descriptors},
        MEMBER("reflection", read_flag(c.reflection, v, f)),
        MEMBER("descriptorsAgeMs", read_number(c.descriptors_age_ms, v, 0, 86400000, f)),
        MEMBER("maxMessageBytes", read_number(c.max_message_bytes, v, 1024, 256 << 20, f)),
        MEMBER("maxArtefactBytes", read_number(c.max_artefact_bytes, v, 1 << 20, INT64_C(4) << 30, f)),
        MEMBER("connectTimeoutMs", read_number(c.connect_timeout_ms, v, 100, 600000, f)),
        MEMBER("keepaliveMs", read_number(c.keepalive_ms, v, 0, 86400000, f)),
    };
    return members;
}

} // namespace

Config::~Config() {
    wipe(key);
}

bool config_read(Config &config, const spindle_instance_config &source, Fault &fault) {
    json_error_t error;
    bool read = true;
    if (source.config.len > 0) {
        json_t *root = json_loadb(source.config.ptr, source.config.len, JSON_REJECT_DUPLICATES, &error);
        if (root == nullptr) return wrong(fault, "", std::string("the configuration is not JSON: ") + error.text);
        read = read_members(config, root, "", top_members(), source, fault);
        json_decref(root);
    }
    if (read && config.descriptors == nullptr && !config.reflection) {
        read = wrong(fault, "/reflection", "without reflection there has to be a file with descriptors");
    }
    config.policy.allow = config.allow.data();
    config.policy.allow_count = config.allow.size();
    return read;
}

} // namespace spindle_grpc

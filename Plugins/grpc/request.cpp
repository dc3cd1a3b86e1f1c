#include "request.h"

#include "text.h"

namespace spindle_grpc {

const char parameters_schema[] = R"({"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{
"MaxResponseBytes":{"type":"integer","minimum":0,"maximum":1048576,"default":1048576,"description":"Longest output; a longer response is kept whole as the artefact response."},
"EmitDefaults":{"type":"boolean","default":false,"description":"Whether fields that have their default value are in the response's JSON."}},
"patternProperties":{
"^[Mm][Ee][Tt][Aa][Dd][Aa][Tt][Aa]_.+$":{"type":"string","description":"The metadata named behind the underscore; the value may be secret://NAME or Bearer secret://NAME. Base64 if the name ends with -bin."},
"^[Ff][Ii][Ee][Ll][Dd]_.+$":{"type":"string","description":"The field named behind the underscore, for fields whose name is a parameter's."}},
"additionalProperties":{"type":"string","description":"A field of the request message, or outer.inner of a message in it."}})";

const std::vector<std::string> parameter_names = {"MaxResponseBytes", "EmitDefaults"};

namespace {

constexpr const char metadata_prefix[] = "Metadata_";
constexpr const char field_prefix[] = "Field_";

bool wrong(Fault &fault, const std::string &name, const std::string &message) {
    return refuse(fault, "grpc.parameter", name + ": " + message, pointer_part(name));
}

// The text with a secret in the place of a reference to one.
bool resolve(std::string &value, bool &is_secret, const std::string &name, spindle_str text, const spindle_request &source, Fault &fault) {
    spindle_str secret_name, secret;
    size_t before;
    value.assign(text.len == 0 ? "" : text.ptr, text.len);
    is_secret = spindle_secret_name(text, &secret_name, &before);
    if (!is_secret) return true;
    if (!SPINDLE_OFFERS(source.host, secret_get) ||
        source.host->secret_get(source.ctx, source.handle, secret_name, &secret) != SPINDLE_OK) {
        return wrong(fault, name, "there is no such secret, or the sidecar does not grant it");
    }
    value.resize(before);
    // In one go: a string that grows would leave a copy behind that nobody overwrites.
    value.reserve(before + secret.len);
    value.append(secret.ptr, secret.len);
    return true;
}

bool read_one(Request &request, const std::string &name, spindle_str text, const spindle_request &source, Fault &fault) {
    int64_t number;
    if (text_equal_nocase(name.data(), name.size(), "MaxResponseBytes")) {
        if (!parse_decimal(text.ptr, text.len, SPINDLE_MAX_OUTPUT_BYTES, &number)) {
            return wrong(fault, name, "a whole number from 0 to 1048576 is wanted");
        }
        request.max_response_bytes = number;
        return true;
    }
    if (text_equal_nocase(name.data(), name.size(), "EmitDefaults")) {
        request.emit_defaults = text_equal_nocase(text.ptr, text.len, "true");
        return request.emit_defaults || text_equal_nocase(text.ptr, text.len, "false") ||
               wrong(fault, name, "true or false is wanted");
    }
    std::string value;
    bool is_secret;
    if (!resolve(value, is_secret, name, text, source, fault)) return false;
    if (text_starts_nocase(name.data(), name.size(), metadata_prefix)) {
        bool read = metadata_read(request, name, name.substr(sizeof metadata_prefix - 1), value, fault);
        wipe(value);
        return read;
    }
    bool prefixed = text_starts_nocase(name.data(), name.size(), field_prefix);
    request.fields.push_back({name, prefixed ? name.substr(sizeof field_prefix - 1) : name, std::move(value), is_secret});
    return true;
}

} // namespace

Request::~Request() {
    for (auto &entry : metadata) wipe(entry.second);
    for (Field &field : fields) wipe(field.text);
}

bool request_read(Request &request, const spindle_request &source, Fault &fault) {
    if (!target_read(request.target, std::string(source.target.len == 0 ? "" : source.target.ptr, source.target.len), fault)) {
        return false;
    }
    // Without growing: see `resolve`.
    request.fields.reserve(source.parameter_count);
    request.metadata.reserve(source.parameter_count + 3);
    for (size_t i = 0; i < source.parameter_count; i++) {
        const spindle_kv &entry = source.parameters[i];
        if (!read_one(request, std::string(entry.key.ptr, entry.key.len), entry.value, source, fault)) return false;
    }
    if (!request.fields.empty() && source.payload.len > 0) {
        return wrong(fault, request.fields[0].parameter, "give the message as a payload or field by field, not both");
    }
    request.job_metadata_count = request.metadata.size();
    metadata_complete(request, source);
    return true;
}

} // namespace spindle_grpc

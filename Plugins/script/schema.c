/* What the host is told about the configuration and the parameters. */
#include "config.h"

const char config_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{"
    "\"programs\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"pattern\":\"^/\"},"
    "\"description\":\"absolute paths of the programs that may be run; without it any\"},"
    "\"shells\":{\"type\":\"array\",\"items\":{\"enum\":[\"bash\",\"sh\",\"python3\",\"node\",\"perl\",\"ruby\",\"pwsh\"]},"
    "\"description\":\"interpreters that may run the text of a script; all, but none where programs is given\"},"
    "\"path\":{\"type\":\"string\",\"pattern\":\"^/\",\"default\":\"/usr/local/bin:/usr/bin:/bin\"},"
    "\"env\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"workingDirectory\":{\"type\":\"string\",\"pattern\":\"^/\"},"
    "\"tempDirectory\":{\"type\":\"string\",\"pattern\":\"^/\",\"default\":\"/tmp\"},"
    "\"maxOutputBytes\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1048576,\"default\":1048576},"
    "\"killGraceMs\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":3600000},"
    "\"orphans\":{\"enum\":[\"kill\",\"wait\"],\"default\":\"kill\"},"
    "\"orphanWaitMs\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":3600000,\"default\":10000},"
    "\"successCodes\":{\"type\":\"string\",\"default\":\"0\"},"
    "\"retryableCodes\":{\"type\":\"string\"},"
    "\"permanentCodes\":{\"type\":\"string\"},"
    "\"secretsInEnv\":{\"type\":\"boolean\",\"default\":false}}}";

const char parameters_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
    "\"additionalProperties\":{\"type\":\"string\"},"
    "\"patternProperties\":{\"^[Aa]rg(0|[1-9][0-9]*)$\":{\"type\":\"string\"}},"
    "\"properties\":{"
    "\"args\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"Shell\":{\"enum\":[\"bash\",\"sh\",\"python3\",\"node\",\"perl\",\"ruby\",\"pwsh\"]},"
    "\"Script\":{\"type\":\"string\"},"
    "\"ScriptFrom\":{\"enum\":[\"parameter\",\"payload\"],\"default\":\"parameter\"},"
    "\"WorkingDirectory\":{\"type\":\"string\",\"pattern\":\"^/\"},"
    "\"SuccessCodes\":{\"type\":\"string\"},"
    "\"RetryableCodes\":{\"type\":\"string\"},"
    "\"PermanentCodes\":{\"type\":\"string\"},"
    "\"MaxOutputBytes\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1048576},"
    "\"OutputContentType\":{\"type\":\"string\",\"maxLength\":256,\"default\":\"text/plain\"}}}";

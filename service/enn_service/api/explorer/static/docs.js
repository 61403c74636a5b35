// The interactive API documentation: Swagger UI with the OpenAPI document, and the API key of this tab where one is needed.

import { openapi, storedKey, useKey } from "./model/api.js";

const KEY_HEADER = "X-API-Key";
const $ = (id) => document.getElementById(id);

async function show() {
  let spec, error;
  try {
    spec = await openapi();
  } catch (thrown) {
    error = thrown;
  }
  $("problem").hidden = !error;
  $("problem").textContent = error?.message ?? "";
  $("key").hidden = error?.status !== 401;
  if (error) return;
  // The service does not know a prefix that a proxy removes, unless ENN_ROOT_PATH names it; the address of the page does.
  spec.servers ??= [{ url: new URL(".", location.href).pathname }];
  SwaggerUIBundle({ spec, dom_id: "#operations", deepLinking: true, tryItOutEnabled: true, requestInterceptor: withKey });
}

// Adds the key of this tab to a request, unless the user has authorized with another one.
function withKey(request) {
  const key = storedKey();
  if (key && !request.headers[KEY_HEADER]) request.headers[KEY_HEADER] = key;
  return request;
}

$("key").onsubmit = (event) => {
  event.preventDefault();
  useKey($("key-value").value);
  show();
};

show();

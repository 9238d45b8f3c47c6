// The seed: a Worker that stands before the API. Protocol and host become the API's, all else of
// the request is kept; the answer is streamed back with the CORS field a browser needs.
export default {
  async fetch(request, env) {
    const api = new URL(env.API);
    const url = new URL(request.url);
    url.protocol = api.protocol;
    url.host = api.host;
    const answer = await fetch(url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: 'follow',
    });
    const headers = new Headers(answer.headers);
    const allowed = request.headers.get('Access-Control-Allow-Origin');
    headers.set('Access-Control-Allow-Origin', allowed || '*');
    return new Response(answer.body, {
      status: answer.status, statusText: answer.statusText, headers,
    });
  },
};

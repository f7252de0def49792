//! Requests: whom each one is for.

use peerset_proto_memcache::reply::encode;
use peerset_proto_memcache::request::MetaKey;
use peerset_proto_memcache::{KEY_BYTES_MAX, Parsed, Request, RequestError, parse_request};
use peerset_route::Operation;

use super::{ProxyService, Session};
use crate::front::{Client, Now};
use crate::proxy::{stats, translate};

impl ProxyService {
    /// Does one request, or begins to.
    pub(super) fn dispatch(
        &mut self,
        client: Client,
        session: &mut Session,
        request: &Request<'_>,
        raw: &[u8],
        output: &mut Vec<u8>,
        now: Now,
    ) {
        let Some(operation) = translate::operation(request) else {
            return self.answer_here(client, session, request, output, now);
        };
        let place = self.place(client, session, !translate::is_noreply(request));
        let commands = self.desk.commands();
        match request {
            Request::Get(get) => {
                let mut keys = get.keys.iter();
                match (keys.next(), keys.next()) {
                    (Some(key), None) => {
                        self.get(get, key.as_bytes(), place, operation, now);
                    }
                    (None, _) => self.finish(place, |out| out.extend_from_slice(encode::END)),
                    _ => self.get_many(get, place, operation, now),
                }
                return;
            }
            Request::Store(_) => commands.sets.add(1),
            Request::MetaGet(_) => {
                commands.metas.add(1);
                commands.gets.add(1);
            }
            Request::MetaSet(_) => {
                commands.metas.add(1);
                commands.sets.add(1);
            }
            _ => commands.others.add(1),
        }
        let mut room = [0; KEY_BYTES_MAX];
        if translate::replies_raw(request) {
            return self.finish(place, |out| {
                encode::server_error(
                    out,
                    "memcached's reply to `me` for a key that is no text cannot be passed on",
                );
            });
        }
        if let Some(key) = translate::key(request, &mut room) {
            self.start(request, key, place, operation, raw, now);
        }
    }

    /// Answers what needs no server, or asks all of them.
    fn answer_here(
        &mut self,
        client: Client,
        session: &mut Session,
        request: &Request<'_>,
        output: &mut Vec<u8>,
        now: Now,
    ) {
        self.desk.commands().others.add(1);
        match request {
            Request::FlushAll { delay, noreply } => {
                let line = Request::FlushAll { delay: *delay, noreply: false };
                return self.ask_all(client, session, &line, *noreply, now);
            }
            Request::Verbosity { level, noreply } => {
                let line = Request::Verbosity { level: *level, noreply: false };
                return self.ask_all(client, session, &line, *noreply, now);
            }
            _ => {}
        }
        let proxy = self.proxy.clone();
        self.say(client, session, output, |out| match request {
            Request::MetaNoop => out.extend_from_slice(encode::META_NOOP),
            Request::Version => encode::version(out, stats::VERSION),
            Request::Stats { arguments } => stats::answer(&proxy, *arguments, out),
            Request::ConfigGet { name } => proxy.topology.write(name.as_bytes(), out),
            Request::Shutdown => out.extend_from_slice(encode::SHUTDOWN_REFUSED),
            _ => out.extend_from_slice(encode::ERROR),
        });
    }

    /// Answers what is no request, or none that may be passed on.
    pub(super) fn refuse(
        &mut self,
        client: Client,
        session: &mut Session,
        error: &RequestError<'_>,
        output: &mut Vec<u8>,
        now: Now,
    ) {
        self.desk.commands().protocol_errors.add(1);
        self.say(client, session, output, |out| out.extend_from_slice(error.reply()));
        // What could not be replaced must not stay as though it were new.
        let Some(unlink) = &error.unlink else { return };
        let line = unlinking(*unlink);
        if let Ok(Parsed::Complete { value: delete, .. }) = parse_request(&line, &self.limits) {
            let mut room = [0; KEY_BYTES_MAX];
            let key = unlink.decode(&mut room);
            let place = self.place(client, session, false);
            self.start(&delete, key, place, Operation::Delete, &line, now);
        }
    }
}

/// A request to delete an item. It wants no reply: the client is told of the error before the item is gone, and who asks
/// after that, whoever it is, must not be sent ahead of it.
fn unlinking(key: MetaKey<'_>) -> Vec<u8> {
    let (verb, quietly): (&[u8], &[u8]) =
        if key.is_base64() { (b"md ", b" b q\r\n") } else { (b"delete ", b" noreply\r\n") };
    [verb, key.raw().as_bytes(), quietly].concat()
}

#[cfg(test)]
mod tests {
    use peerset_proto_memcache::Limits;

    use super::*;

    #[test]
    fn nobody_waits_until_what_could_not_be_replaced_is_gone() {
        for (large, expected) in
            [("set a 0 0 2000000\r\n", "delete a noreply\r\n"), ("ms YQ== 2000000 b\r\n", "md YQ== b q\r\n")]
        {
            let error = parse_request(large.as_bytes(), &Limits::default()).unwrap_err();
            let line = unlinking(error.unlink.unwrap());
            assert_eq!(str::from_utf8(&line).unwrap(), expected);
            let Ok(Parsed::Complete { value: request, .. }) = parse_request(&line, &Limits::default()) else {
                panic!("{expected:?} is no request");
            };
            let quiet = matches!(&request, Request::MetaDelete(delete) if delete.quiet);
            assert!(quiet || translate::is_noreply(&request), "{expected:?}");
        }
    }
}

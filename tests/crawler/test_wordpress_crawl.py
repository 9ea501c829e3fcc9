"""A blog crawled over real connections: found by its author's name, edited, taken back, and gone."""

import datetime as dt
import json

from sqlalchemy import select

from models.clock import utc_now
from models.posts import Post, PostState
from models.targets import Run, RunOutcome
from tests.crawler.conftest import Crawls, Reply

API = "/wp-json/wp/v2"
CODES = {401: "rest_forbidden", 404: "rest_post_invalid_id"}


class Blog:
    """A site of one author; `lost` says with which status a post that is not listed any more answers."""

    def __init__(self, site, count):
        self.site, self.now, self.lost = site, utc_now(), {}
        self.texts = {number: f"<p>Tulisan {number}</p>" for number in range(1, count + 1)}
        site.pages[f"{API}/users"] = lambda *_: self.reply([{"id": 3, "slug": "sari"}])
        site.pages[f"{API}/users/3"] = lambda *_: self.reply({"id": 3, "slug": "sari"})
        site.pages[f"{API}/posts"] = self.posts
        for number in self.texts:
            site.pages[f"{API}/posts/{number}"] = lambda _, __, number=number: self.one(number)

    @staticmethod
    def reply(data, status=200, **headers):
        return Reply(json.dumps(data).encode(), status, {"Content-Type": "application/json", **headers})

    def posts(self, asked, _):
        listed = [self.post(number) for number in sorted(self.texts, reverse=True) if number not in self.lost]
        listed = [post for post in listed if post["date"] < asked.query.get("before", "9")]
        return self.reply(listed[:3], **{"X-WP-TotalPages": str(-(-len(listed) // 3))})

    def one(self, number):
        status = self.lost.get(number)
        return self.reply({"code": CODES[status]}, status) if status else self.reply(self.post(number))

    def post(self, number):
        moment = self.now - dt.timedelta(hours=len(self.texts) - number)
        written = moment.strftime("%Y-%m-%dT%H:%M:%S")
        return {
            "id": number,
            "author": 3,
            "date": written,
            "date_gmt": written,
            "link": f"{self.site.url}/{number}/",
            "content": {"rendered": self.texts[number]},
        }


def test_a_blog_is_crawled_edited_and_looked_back_upon(sqlite_world, sqlite_url, evidence, site):
    blog = Blog(site(), 8)
    crawls = Crawls(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)
    crawls.allow(blog.site)
    target = crawls.target("wordpress", f"{blog.site.url}/author/sari/", sqlite_world.account)
    (first,) = crawls.run(target)
    assert (first.outcome, first.posts_new, first.unparsed) == (RunOutcome.DONE, 8, 0)

    blog.texts[7] = "<p>Ralat</p>"
    blog.lost = {5: 404, 4: 401}
    runs = crawls.begin(target)
    with crawls.database.write() as session:
        session.get_one(Run, runs[0]).looks_back_to = utc_now() - dt.timedelta(days=2)
    process = crawls.spawn(runs)
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    (second,) = crawls.ended(runs)
    assert (second.outcome, second.posts_new, second.posts_edited) == (RunOutcome.DONE, 0, 1)
    with crawls.database.read() as session:
        states = {int(post.external_id.rpartition("=")[2]): post.state for post in session.scalars(select(Post))}
    assert [states[number] for number in (8, 7, 5, 4)] == [
        PostState.SEEN,
        PostState.EDITED,
        PostState.DELETED,
        PostState.UNAVAILABLE,
    ]


def test_a_dead_site_is_gone_and_a_closed_list_of_authors_names_the_way_out(sqlite_world, sqlite_url, evidence, site):
    closed, dead = site(), site()
    closed.serve(f"{API}/users", b'{"code": "rest_user_cannot_view"}', 401)
    crawls = Crawls(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)
    crawls.allow(closed, dead)
    failed, gone = crawls.run(
        crawls.target("wordpress", f"{closed.url}/author/sari/"), crawls.target("wordpress", f"{dead.url}/?author=3")
    )
    assert (failed.outcome, gone.outcome) == (RunOutcome.FAILED, RunOutcome.GONE)
    assert f"{closed.url}/?author=NOMOR" in failed.reason

/*
 * monitors: the default of http.monitors. Each row is a part of a User-Agent header, and a whole
 * one in which it is found, as the tests send it. A part that browsers of people have in theirs
 * must not be here: apps that show pages themselves often name themselves (FBAN, Line, Snapchat).
 */
#ifndef HALL_CONFIG_MONITORS_H
#define HALL_CONFIG_MONITORS_H

/* clang-format off */
/* Monitors and checkers */
#define MONITORS_CHECKERS(ROW) \
    ROW("UptimeRobot", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)") \
    ROW("Uptime-Kuma", "Uptime-Kuma/1.23.16") \
    ROW("Pingdom", "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)") \
    ROW("StatusCake", \
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/98.0.4758.102 Safari/537.36 (StatusCake)") \
    ROW("Better Uptime", "Better Uptime Bot Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)") \
    ROW("Better Stack", \
        "Better Stack Better Uptime Bot Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)") \
    ROW("Site24x7", "Site24x7") \
    ROW("HetrixTools", \
        "HetrixTools Uptime Monitoring Bot. https://hetrix.tools/uptime-monitoring-bot.html") \
    ROW("Freshping", "FreshpingBot/1.0 (+https://freshping.io/)") \
    ROW("updown.io", "updown.io daemon 2.11") \
    ROW("NodePing", "NodePing") \
    ROW("OhDear", "Mozilla/5.0 (compatible; OhDear/1.1; +https://ohdear.app/checker; bot)") \
    ROW("Uptime.com", "Mozilla/5.0 (compatible; Uptime.com; +https://uptime.com)") \
    ROW("Uptimebot", "Mozilla/5.0 (compatible; Uptimebot/1.0; +http://www.uptime.com/uptimebot)") \
    ROW("Montastic", "Montastic-Monitor http://www.montastic.com") \
    ROW("Checkly", "Checkly/1.0 (https://www.checklyhq.com)") \
    ROW("DatadogSynthetics", \
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 DatadogSynthetics") \
    ROW("Datadog/Synthetics", "Datadog/Synthetics") \
    ROW("NewRelicPinger", "NewRelicPinger/1.0 (12345)") \
    ROW("RuxitSynthetic", \
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 RuxitSynthetic/1.0 v123 t456") \
    ROW("GoogleHC", "GoogleHC/1.0") \
    ROW("GoogleStackdriverMonitoring", \
        "GoogleStackdriverMonitoring-UptimeChecks(https://cloud.google.com/monitoring)") \
    ROW("Amazon-Route53-Health-Check", \
        "Amazon-Route53-Health-Check-Service (ref 00000000-0000; report http://amzn.to/1vsZADi)") \
    ROW("ELB-HealthChecker", "ELB-HealthChecker/2.0") \
    ROW("Azure Traffic Manager", "Azure Traffic Manager Endpoint Monitor") \
    ROW("Cloudflare-Healthchecks", \
        "Mozilla/5.0 (compatible;Cloudflare-Healthchecks/1.0;+https://www.cloudflare.com/; healthcheck-id: 0)") \
    ROW("Cloudflare-Traffic-Manager", \
        "Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0; +https://www.cloudflare.com/traffic-manager/; pool-id: 0)") \
    ROW("kube-probe", "kube-probe/1.29") \
    ROW("Prometheus", "Prometheus/2.42.0") \
    ROW("Blackbox Exporter", "Blackbox Exporter/0.24.0") \
    ROW("synthetic-monitoring-agent", \
        "synthetic-monitoring-agent/0.9.3 (linux amd64; +https://github.com/grafana/synthetic-monitoring-agent)") \
    ROW("Telegraf", "Telegraf/1.28.5 Go/1.21.5") \
    ROW("check_http", "check_http/v2.3.3 (monitoring-plugins 2.3.3)") \
    ROW("check_curl", "check_curl/v2.3.3 (monitoring-plugins 2.3.3)") \
    ROW("Zabbix", "Zabbix 6.0.14") \
    ROW("PRTG", "Mozilla/5.0 (compatible; PRTG Network Monitor (www.paessler.com); Windows)") \
    ROW("Monit/", "Monit/5.33.0") \
    ROW("Gatus", "Gatus/1.0") \
    ROW("Consul Health Check", "Consul Health Check") \
    ROW("healthchecks.io", "healthchecks.io") \
    ROW("Statping", "Statping Monitor v0.90.78") \
    ROW("changedetection.io", "changedetection.io") \
    ROW("SSL Labs", "SSL Labs (https://www.ssllabs.com/about/assessment.html)") \
    ROW("Let's Encrypt", \
        "Mozilla/5.0 (compatible; Let's Encrypt validation server; +https://www.letsencrypt.org)")

/* Previews of links */
#define MONITORS_PREVIEWS(ROW) \
    ROW("Slackbot", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)") \
    ROW("Slack-ImgProxy", "Slack-ImgProxy (+https://api.slack.com/robots)") \
    ROW("Discordbot", "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)") \
    ROW("WhatsApp", "WhatsApp/2.23.20.0") \
    ROW("TelegramBot", "TelegramBot (like TwitterBot)") \
    ROW("facebookexternalhit", \
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)") \
    ROW("facebookcatalog", "facebookcatalog/1.0") \
    ROW("Facebot", "Facebot") \
    ROW("meta-external", \
        "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)") \
    ROW("Twitterbot", "Twitterbot/1.0") \
    ROW("LinkedInBot", \
        "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)") \
    ROW("SkypeUriPreview", \
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com") \
    ROW("BingPreview", \
        "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b") \
    ROW("Mastodon/", "http.rb/5.1.1 (Mastodon/4.2.1; +https://mastodon.social/)") \
    ROW("Synapse (bot", "Synapse (bot; +https://github.com/matrix-org/synapse)") \
    ROW("Bluesky Cardyb", "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)") \
    ROW("Mattermost-Bot", "mattermost-bot/1.1") \
    ROW("ZulipURLPreview", \
        "Mozilla/5.0 (compatible; ZulipURLPreview/6.0; +https://zulip.example.com)") \
    ROW("Iframely", "Iframely/1.3.1 (+https://iframely.com/docs/about)") \
    ROW("Embedly", "Mozilla/5.0 (compatible; Embedly/0.2; +http://support.embed.ly/)") \
    ROW("redditbot", "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)") \
    ROW("Pinterestbot", \
        "Mozilla/5.0 (compatible; Pinterestbot/1.0; +https://www.pinterest.com/bot.html)") \
    ROW("vkShare", "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)") \
    ROW("line-poker", "facebookexternalhit/1.1;line-poker/1.0") \
    ROW("Viber/", "Viber/13.3.0")

/* Scanners */
#define MONITORS_SCANNERS(ROW) \
    ROW("Shodan", "Shodan-Pull/1.0") \
    ROW("CensysInspect", "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)") \
    ROW("zgrab", "Mozilla/5.0 zgrab/0.x") \
    ROW("masscan", "masscan/1.3 (https://github.com/robertdavidgraham/masscan)") \
    ROW("Nuclei", "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)") \
    ROW("projectdiscovery", "httpx - Open-source project (github.com/projectdiscovery/httpx)") \
    ROW("Expanse", "Expanse, a Palo Alto Networks company, searches across the global IPv4 space") \
    ROW("Palo Alto Networks", \
        "Hello from Palo Alto Networks, find out more about our scans in https://docs-cortex.paloaltonetworks.com") \
    ROW("InternetMeasurement", \
        "Mozilla/5.0 (compatible; InternetMeasurement/1.0; +https://internet-measurement.com/)") \
    ROW("NetSystemsResearch", \
        "NetSystemsResearch studies the availability of various services across the internet.") \
    ROW("l9explore", "l9explore/1.2.2") \
    ROW("l9tcpid", "Lkx-l9tcpid/v1.1.0") \
    ROW("getodin", "Mozilla/5.0 (compatible; Odin; https://docs.getodin.com/)") \
    ROW("ModatScanner", "Mozilla/5.0 (compatible; ModatScanner/1.0; +https://modat.io/)") \
    ROW("GenomeCrawler", \
        "Mozilla/5.0 (compatible; GenomeCrawlerd/1.0; +https://www.nokia.com/genomecrawler)") \
    ROW("ONYPHE", "Mozilla/5.0 (compatible; onyphe; +https://www.onyphe.io)") \
    ROW("LeakIX", "Mozilla/5.0 (l9scan/2.0; +https://leakix.net)") \
    ROW("BinaryEdge", "Mozilla/5.0 (compatible; binaryedge; +https://www.binaryedge.io)") \
    ROW("Netcraft", "Mozilla/5.0 (compatible; NetcraftSurveyAgent/1.0; +info@netcraft.com)") \
    ROW("Nmap", "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)") \
    ROW("Nikto", "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)") \
    ROW("sqlmap", "sqlmap/1.7.2#stable (https://sqlmap.org)") \
    ROW("gobuster", "gobuster/3.6") \
    ROW("feroxbuster", "feroxbuster/2.10.1") \
    ROW("Fuzz Faster", "Fuzz Faster U Fool v2.1.0") \
    ROW("WPScan", "WPScan v3.8.25 (https://wpscan.com/wordpress-security-scanner)") \
    ROW("Qualys", "Mozilla/5.0 (compatible; Qualys WAS)") \
    ROW("Detectify", "Mozilla/5.0 (compatible; Detectify) +https://detectify.com/bot/00")

/* Search engines and other crawlers */
#define MONITORS_CRAWLERS(ROW) \
    ROW("bot/", "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)") \
    ROW("crawler", "Mozilla/5.0 (compatible; SemanticScholarBot crawler)") \
    ROW("spider", \
        "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)") \
    ROW("bingbot", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)") \
    ROW("Googlebot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)") \
    ROW("AdsBot-Google", "AdsBot-Google (+http://www.google.com/adsbot.html)") \
    ROW("Mediapartners-Google", "Mediapartners-Google") \
    ROW("FeedFetcher-Google", "FeedFetcher-Google; (+http://www.google.com/feedfetcher.html)") \
    ROW("Google-InspectionTool", "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)") \
    ROW("DuckDuckBot", "DuckDuckBot-Https/1.1; (+https://duckduckgo.com/duckduckbot)") \
    ROW("Yahoo! Slurp", \
        "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)") \
    ROW("PetalBot", \
        "Mozilla/5.0 (compatible;PetalBot;+https://webmaster.petalsearch.com/site/petalbot)") \
    ROW("ImagesiftBot", "Mozilla/5.0 (compatible; ImagesiftBot; +imagesift.com)") \
    ROW("ia_archiver", \
        "ia_archiver (+http://www.alexa.com/site/help/webmasters; crawler@alexa.com)") \
    ROW("archive.org_bot", \
        "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)") \
    ROW("Barkrowler", "Mozilla/5.0 (compatible; Barkrowler/0.9; +https://babbar.tech/crawler)")

#define MONITORS_NAME(name_, agent_) "," name_
#define MONITORS_DEFAULT &("" MONITORS(MONITORS_NAME))[1] /* "UptimeRobot,..." */
#define MONITORS(ROW) MONITORS_CHECKERS(ROW) MONITORS_PREVIEWS(ROW) MONITORS_SCANNERS(ROW) MONITORS_CRAWLERS(ROW)
/* clang-format on */

#endif

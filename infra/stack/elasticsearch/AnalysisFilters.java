import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.charfilter.HTMLStripCharFilter;
import org.apache.lucene.analysis.charfilter.MappingCharFilter;
import org.apache.lucene.analysis.charfilter.NormalizeCharMap;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.en.EnglishMinimalStemFilter;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.LengthFilter;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.miscellaneous.TrimFilter;
import org.apache.lucene.analysis.miscellaneous.TruncateTokenFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenizer;
import org.apache.lucene.analysis.ngram.NGramTokenFilter;
import org.apache.lucene.analysis.ngram.NGramTokenizer;
import org.apache.lucene.analysis.reverse.ReverseStringFilter;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.apache.lucene.analysis.synonym.SolrSynonymParser;
import org.apache.lucene.analysis.synonym.SynonymGraphFilter;
import org.apache.lucene.analysis.synonym.SynonymMap;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.IndexService.IndexCreationContext;
import org.elasticsearch.index.analysis.AbstractIndexAnalyzerProvider;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.CustomAnalyzer;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.PreConfiguredTokenFilter;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;
import org.tartarus.snowball.ext.EnglishStemmer;

/**
 * The part of Elasticsearch's module analysis-common that the published test distribution leaves out and a catalogue needs: Lucene's
 * filters under Elasticsearch's names, settings and defaults. A full distribution has them all; this plugin is for the stack alone.
 */
public class AnalysisFilters extends Plugin implements AnalysisPlugin {
    /** How settings make a filter. */
    private interface FilterOf { UnaryOperator<TokenStream> apply(Settings settings); }

    private record Filter(String name, UnaryOperator<TokenStream> filter) implements TokenFilterFactory {
        public TokenStream create(TokenStream tokens) { return filter.apply(tokens); }
    }

    /** One that a normalizer may use, because it changes characters and no more. */
    private record NormalizingFilter(String name, UnaryOperator<TokenStream> filter) implements NormalizingTokenFilterFactory {
        public TokenStream create(TokenStream tokens) { return filter.apply(tokens); }
    }

    private static final Map<String, UnaryOperator<TokenStream>> STEMMERS = Map.of(
        "english", PorterStemFilter::new,
        "porter", PorterStemFilter::new,
        "porter2", tokens -> new SnowballFilter(tokens, new EnglishStemmer()),
        "light_english", KStemFilter::new,
        "kstem", KStemFilter::new,
        "minimal_english", EnglishMinimalStemFilter::new,
        "possessive_english", EnglishPossessiveFilter::new);

    private static UnaryOperator<TokenStream> stemmer(Settings settings) {
        String language = settings.get("language", settings.get("name", "porter"));
        UnaryOperator<TokenStream> stemmer = STEMMERS.get(language);
        if (stemmer == null) throw new IllegalArgumentException("this test server has no stemmer [" + language + "], only " + STEMMERS.keySet());
        return stemmer;
    }

    private static AnalysisProvider<TokenFilterFactory> filter(FilterOf of) {
        return (index, environment, name, settings) -> new Filter(name, of.apply(settings));
    }

    private static AnalysisProvider<TokenFilterFactory> normalizing(FilterOf of) {
        return (index, environment, name, settings) -> new NormalizingFilter(name, of.apply(settings));
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        Map<String, AnalysisProvider<TokenFilterFactory>> filters = new TreeMap<>();
        filters.put("asciifolding", normalizing(s -> t -> new ASCIIFoldingFilter(t, s.getAsBoolean("preserve_original", false))));
        filters.put("trim", normalizing(s -> TrimFilter::new));
        filters.put("stemmer", filter(AnalysisFilters::stemmer));
        filters.put("kstem", filter(s -> KStemFilter::new));
        filters.put("porter_stem", filter(s -> PorterStemFilter::new));
        filters.put("reverse", filter(s -> ReverseStringFilter::new));
        filters.put("remove_duplicates", filter(s -> RemoveDuplicatesTokenFilter::new));
        filters.put("length", filter(s -> t -> new LengthFilter(t, s.getAsInt("min", 0), s.getAsInt("max", Integer.MAX_VALUE))));
        filters.put("truncate", filter(s -> t -> new TruncateTokenFilter(t, s.getAsInt("length", 10))));
        filters.put("edge_ngram", filter(s -> t -> new EdgeNGramTokenFilter(t, s.getAsInt("min_gram", 1), s.getAsInt("max_gram", 2), s.getAsBoolean("preserve_original", false))));
        filters.put("ngram", filter(s -> t -> new NGramTokenFilter(t, s.getAsInt("min_gram", 1), s.getAsInt("max_gram", 2), s.getAsBoolean("preserve_original", false))));
        filters.put("synonym", AnalysisPlugin.requiresAnalysisSettings((index, environment, name, settings) -> new Synonyms(name, settings)));
        filters.put("synonym_graph", AnalysisPlugin.requiresAnalysisSettings((index, environment, name, settings) -> new Synonyms(name, settings)));
        return filters;
    }

    /** Synonyms are read by what stands before them in the chain, so that their words look like those of the text. */
    private static class Synonyms extends AbstractTokenFilterFactory {
        private final List<String> rules;
        private final boolean expand;

        Synonyms(String name, Settings settings) {
            super(name);
            rules = settings.getAsList("synonyms");
            expand = settings.getAsBoolean("expand", true);
        }

        @Override
        public TokenStream create(TokenStream tokens) { throw new IllegalStateException("synonyms know their rules only in a chain"); }

        @Override
        public TokenFilterFactory getChainAwareTokenFilterFactory(IndexCreationContext context, TokenizerFactory tokenizer, List<CharFilterFactory> charFilters,
                List<TokenFilterFactory> before, Function<String, TokenFilterFactory> all) {
            TokenFilterFactory[] chain = before.stream().map(TokenFilterFactory::getSynonymFilter).toArray(TokenFilterFactory[]::new);
            SynonymMap map = read(new CustomAnalyzer(tokenizer, charFilters.toArray(new CharFilterFactory[0]), chain));
            return new Filter(name(), tokens -> map.fst == null ? tokens : new SynonymGraphFilter(tokens, map, false));
        }

        private SynonymMap read(Analyzer analyzer) {
            try {
                SolrSynonymParser parser = new SolrSynonymParser(true, expand, analyzer);
                parser.parse(new StringReader(String.join("\n", rules)));
                return parser.build();
            } catch (IOException | java.text.ParseException error) {
                throw new IllegalArgumentException("failed to build synonyms of [" + name() + "]", error);
            }
        }
    }

    @Override
    public List<PreConfiguredTokenFilter> getPreConfiguredTokenFilters() {
        return List.of(
            PreConfiguredTokenFilter.singleton("asciifolding", true, ASCIIFoldingFilter::new),
            PreConfiguredTokenFilter.singleton("trim", true, TrimFilter::new),
            PreConfiguredTokenFilter.singleton("stemmer", false, PorterStemFilter::new),
            PreConfiguredTokenFilter.singleton("kstem", false, KStemFilter::new),
            PreConfiguredTokenFilter.singleton("porter_stem", false, PorterStemFilter::new),
            PreConfiguredTokenFilter.singleton("reverse", false, ReverseStringFilter::new),
            PreConfiguredTokenFilter.singleton("remove_duplicates", false, RemoveDuplicatesTokenFilter::new),
            PreConfiguredTokenFilter.singleton("edge_ngram", false, tokens -> new EdgeNGramTokenFilter(tokens, 1)),
            PreConfiguredTokenFilter.singleton("ngram", false, tokens -> new NGramTokenFilter(tokens, 1, 2, false)));
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of(
            "edge_ngram", (index, environment, name, s) -> TokenizerFactory.newFactory(name, () -> new EdgeNGramTokenizer(s.getAsInt("min_gram", 1), s.getAsInt("max_gram", 2))),
            "ngram", (index, environment, name, s) -> TokenizerFactory.newFactory(name, () -> new NGramTokenizer(s.getAsInt("min_gram", 1), s.getAsInt("max_gram", 2))));
    }

    @Override
    public Map<String, AnalysisProvider<CharFilterFactory>> getCharFilters() {
        return Map.of(
            "html_strip", (index, environment, name, settings) -> new Characters(name, HTMLStripCharFilter::new),
            "mapping", AnalysisPlugin.requiresAnalysisSettings((index, environment, name, settings) -> {
                NormalizeCharMap map = mapping(settings.getAsList("mappings"));
                return new Characters(name, reader -> new MappingCharFilter(map, reader));
            }));
    }

    private record Characters(String name, UnaryOperator<Reader> filter) implements CharFilterFactory {
        public Reader create(Reader reader) { return filter.apply(reader); }
    }

    private static NormalizeCharMap mapping(List<String> rules) {
        NormalizeCharMap.Builder map = new NormalizeCharMap.Builder();
        for (String rule : rules) {
            String[] sides = rule.split("=>", 2);
            if (sides.length != 2) throw new IllegalArgumentException("Invalid mapping rule: [" + rule + "]");
            map.add(sides[0].trim(), sides[1].trim());
        }
        return map.build();
    }

    @Override
    public Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> getAnalyzers() {
        return Map.of("english", (index, environment, name, settings) -> new AbstractIndexAnalyzerProvider<Analyzer>(name) {
            private final Analyzer analyzer = new EnglishAnalyzer();

            @Override
            public Analyzer get() { return analyzer; }
        });
    }
}

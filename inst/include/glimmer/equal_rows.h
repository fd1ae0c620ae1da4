// Rows that differ in nothing but their response: same levels, same rows of X and Z, same offset. Where the family has
// no dispersion their log-densities, as functions of eta, add up to that of one row (binomial: with the successes and
// trials of all), so that they are one row from then on. The constants of the log-densities are those of the rows as
// they were given. Data with few distinct covariate patterns a group become as small as these.
#ifndef GLIMMER_EQUAL_ROWS_H
#define GLIMMER_EQUAL_ROWS_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "density.h"
#include "factors.h"
#include "predictor.h"
#include "types.h"

namespace glimmer {

class EqualRows {
 public:
  EqualRows(const Responses& responses, const std::vector<Predictor>& predictors, const Factors& factors,
            const Density& density)
      : responses_(responses), predictors_(predictors), factors_(factors), density_(density) {}

  /// Finds them in `rows`, those of a level of the first factor together. False: there are too few to be worth it.
  bool find(const Integers& rows) {
    const bool free = !std::isfinite(density_.lower_eta(0)) && !std::isfinite(density_.upper_eta(0));
    if (!density_.rows_add_up() || !free || !pays(rows)) return false;
    places_.resize(rows.size());
    for_levels(rows, [&](const int* begin, const int* end) { merge_level(begin, end); });
    return true;
  }

  /// One row of each kind, where each of the given rows went, and what all of its kind observed.
  const Integers& kept() const { return kept_; }
  const Integers& places() const { return places_; }
  Responses merged() const {
    const Index n = static_cast<Index>(observed_.size());
    Vector y(n), size(n), weight(n);
    for (Index i = 0; i < n; ++i) {
      const Observation& o = observed_[static_cast<std::size_t>(i)];
      y[i] = o.y, size[i] = o.size, weight[i] = o.weight;
    }
    return {y, size, weight};
  }

 private:
  using Keyed = std::pair<std::uint64_t, int>;  ///< a row after its key: equal rows have equal keys

  /// Judged by a sample of levels: whether a third of the rows goes.
  bool pays(const Integers& rows) {
    constexpr std::size_t sample_size = 4096;
    const std::size_t every = 1 + rows.size() / sample_size;
    std::size_t seen = 0, distinct = 0, level = 0;
    for_levels(rows, [&](const int* begin, const int* end) {
      if (level++ % every != 0) return;
      key_rows(begin, end);
      seen += keyed_.size();
      for (std::size_t i = 0; i < keyed_.size(); ++i) distinct += i == 0 || keyed_[i].first != keyed_[i - 1].first;
    });
    return 3 * distinct <= 2 * seen;
  }

  template <class Visit>
  void for_levels(const Integers& rows, Visit visit) const {
    const Integers& level = factors_[0].first().level;
    const int* const last = rows.data() + rows.size();
    for (const int *begin = rows.data(), *end = begin; begin < last; begin = end) {
      while (end < last && level[static_cast<std::size_t>(*end)] == level[static_cast<std::size_t>(*begin)]) ++end;
      visit(begin, end);
    }
  }

  void key_rows(const int* begin, const int* end) {
    keyed_.clear();
    for (const int* row = begin; row < end; ++row) keyed_.push_back({key(*row), *row});
    std::sort(keyed_.begin(), keyed_.end());
  }

  void merge_level(const int* begin, const int* end) {
    key_rows(begin, end);
    std::size_t first = kept_.size();  // of the rows kept with the present key
    for (std::size_t i = 0; i < keyed_.size(); ++i) {
      if (i > 0 && keyed_[i].first != keyed_[i - 1].first) first = kept_.size();
      const int row = keyed_[i].second;
      std::size_t place = first;
      while (place < kept_.size() && !equal(kept_[place], row)) ++place;
      if (place == kept_.size()) {
        kept_.push_back(row);
        observed_.push_back(responses_[row]);
      } else {
        observed_[place] = density_.sum_of(observed_[place], responses_[row]);
      }
      places_[static_cast<std::size_t>(row)] = static_cast<int>(place);
    }
  }

  std::uint64_t key(int row) const {
    std::uint64_t state = 0;
    const auto mix = [&state](double value) {
      std::uint64_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      state = (state ^ bits) * 0x9E3779B97F4A7C15u;  // Knuth's multiplicative hashing
      state ^= state >> 29;
    };
    for (const Predictor& predictor : predictors_) {
      mix(predictor.offset[row]);
      for (Index j = 0; j < predictor.X.columns(); ++j) mix(predictor.X(row, j));
    }
    for (Index k = 0; k < factors_.count(); ++k) {
      for (const Incidence& x : factors_[k].incidences) {
        mix(x.level[static_cast<std::size_t>(row)]);
        for (Index j = 0; j < x.effects(); ++j) mix(x.Z.row(row)[j]);
      }
    }
    return state;
  }

  bool equal(int a, int b) const {
    bool same = true;
    for (const Predictor& predictor : predictors_) {
      same = same && predictor.offset[a] == predictor.offset[b];
      for (Index j = 0; j < predictor.X.columns() && same; ++j) same = predictor.X(a, j) == predictor.X(b, j);
    }
    for (Index k = 0; k < factors_.count() && same; ++k) {
      for (const Incidence& x : factors_[k].incidences)
        same = same && x.level[static_cast<std::size_t>(a)] == x.level[static_cast<std::size_t>(b)] &&
               std::equal(x.Z.row(a), x.Z.row(a) + x.effects(), x.Z.row(b));
    }
    return same;
  }

  const Responses& responses_;
  const std::vector<Predictor>& predictors_;
  const Factors& factors_;
  const Density& density_;
  std::vector<Keyed> keyed_;
  Integers kept_, places_;
  std::vector<Observation> observed_;
};

}  // namespace glimmer

#endif

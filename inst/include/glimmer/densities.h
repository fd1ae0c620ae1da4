// Densities from families and links, and their registry. Heavy to compile, and defined here: for one translation unit
// of a program; the others know density.h.
#ifndef GLIMMER_DENSITIES_H
#define GLIMMER_DENSITIES_H

#include "beta.h"
#include "beta_binomial.h"
#include "canonical.h"
#include "density.h"
#include "family.h"
#include "generalized_poisson.h"
#include "linear_negative_binomial.h"
#include "lognormal.h"
#include "negative_binomial.h"
#include "series_density.h"
#include "truncated_counts.h"

namespace glimmer {

/// A family of family.h with a link. Where it has a dispersion phi, scale' = scale_power * scale, so that each
/// derivative in phi is a multiple of one in eta, but for those of the normalizer.
template <class Family, class Link>
class DensityOf : public Density {
  using Pair = Traits<Family, Link>;

 public:
  int predictors() const override { return Family::has_dispersion ? 2 : 1; }
  double constant(const Observation& o) const override { return Family::constant(o); }

  double lower_eta(int a) const override { return a == 0 ? Pair::lower_eta : -infinity; }
  double upper_eta(int a) const override { return a == 0 ? Pair::upper_eta : infinity; }
  bool log_concave() const override { return Pair::log_concave; }
  FormInExp form_in_exp() const override { return Pair::form_in_exp; }

  bool rows_add_up() const override { return !Family::has_dispersion; }
  Observation sum_of(const Observation& a, const Observation& b) const override {
    if constexpr (Family::has_dispersion)
      return Density::sum_of(a, b);
    else
      return Family::sum_of(a, b);
  }

 private:
  void fill_rows(const Responses& responses, Range range, const Etas& etas, int order, RowDerivatives& out,
                 double* f) const override {
    switch (order) {
      case 0: return fill<0>(responses, range, etas, out, f);
      case 1: return fill<1>(responses, range, etas, out, f);
      case 2: return fill<2>(responses, range, etas, out, f);
      case 3: return fill<3>(responses, range, etas, out, f);
      case 4: return fill<4>(responses, range, etas, out, f);
      case 5: return fill<5>(responses, range, etas, out, f);
      default: throw std::invalid_argument("derivatives are there to order 5");
    }
  }

  void fill_levels(const Responses& responses, const Positions& first_row, Range levels, const Etas& etas, int order,
                   RowDerivatives& out, double* sums, double* sizes) const override {
    switch (order) {
      case 0: return add_up_levels<0>(responses, first_row, levels, etas, out, sums, sizes);
      case 1: return add_up_levels<1>(responses, first_row, levels, etas, out, sums, sizes);
      case 2: return add_up_levels<2>(responses, first_row, levels, etas, out, sums, sizes);
      default: throw std::invalid_argument("sums over levels come with derivatives to order 2");
    }
  }

  void fill_expected_weights(const Responses& responses, Range range, const Etas& etas, Vector& out) const override {
    for (Index i = range.begin; i < range.end; ++i) {
      const Observation o = responses[i];
      const double information =
          o.weight * scale(phi_of(etas, i)) * Family::template information<Link>(o, etas[0][i]);
      out[i] = information > 0.0 && information < infinity ? information : 0.0;
    }
  }

  static double scale(double phi) { return std::exp(Family::scale_power * phi); }
  static double phi_of(const Etas& etas, Index i) {
    if constexpr (Family::has_dispersion)
      return eta_of(etas[1], i);
    else
      return 0.0;
  }

  template <int K>
  static void add_up_levels(const Responses& responses, const Positions& first_row, Range levels, const Etas& etas,
                            RowDerivatives& out, double* sums, double* sizes) {
    std::fill_n(sums, levels.size(), 0.0);
    std::fill_n(sizes, levels.size(), 0.0);
    const Index end = first_row[levels.end];
    Index level = levels.begin;
    for (Index begin = first_row[level]; begin < end; begin += rows_in_block) {
      const Range block{begin, std::min(begin + rows_in_block, end)};
      with_block<K>(responses, block, etas, out, [&](auto add_up) {
        for (Index from = begin; from < block.end;) {
          while (first_row[level + 1] <= from) ++level;
          const Index to = std::min(block.end, first_row[level + 1]), g = level - levels.begin;
          add_up(from - begin, to - begin, sums[g], sizes[g]);
          from = to;
        }
      });
    }
  }

  /// Fills `out` on a block of rows, and calls visit with what adds up f and |f| over a part of it.
  template <int K, class Visit>
  static void with_block(const Responses& responses, Range block, const Etas& etas, RowDerivatives& out, Visit visit) {
    if constexpr (Canonical<Family, Link>::known) {
      const RowBlock rows(responses, block, etas[0]);
      if (rows.moderate()) {
        const Canonical<Family, Link> pair(rows);
        pair.template derivatives<K>(block.begin - out.first, out);
        return visit([&](Index from, Index to, double& sum, double& size) { pair.add_up(from, to, sum, size); });
      }
    }
    BlockArray f(block.size());
    fill_by_row<K>(responses, block, etas, out, f.data());
    visit([&](Index from, Index to, double& sum, double& size) {
      sum += f.segment(from, to - from).sum();
      size += f.segment(from, to - from).abs().sum();
    });
  }

  /// `f`: null, or where the log-density of the first row of the range goes.
  template <int K>
  static void fill(const Responses& responses, Range range, const Etas& etas, RowDerivatives& out, double* f) {
    if constexpr (!Canonical<Family, Link>::known) return fill_by_row<K>(responses, range, etas, out, f);
    for (Range block{range.begin, range.begin}; block.begin < range.end; block.begin = block.end) {
      block.end = std::min(block.begin + rows_in_block, range.end);
      double* const f_block = f ? f + (block.begin - range.begin) : nullptr;
      fill_block<K>(responses, block, etas, out, f_block);
    }
  }

  template <int K>
  static void fill_block(const Responses& responses, Range block, const Etas& etas, RowDerivatives& out, double* f) {
    if constexpr (Canonical<Family, Link>::known) {
      const RowBlock rows(responses, block, etas[0]);
      if (rows.moderate()) {
        const Canonical<Family, Link> pair(rows);
        pair.template derivatives<K>(block.begin - out.first, out);
        if (f) Eigen::Map<Eigen::ArrayXd>(f, block.size()) = pair.log_density().head(block.size());
        return;
      }
    }
    fill_by_row<K>(responses, block, etas, out, f);
  }

  template <int K>
  static void fill_by_row(const Responses& responses, Range range, const Etas& etas, RowDerivatives& out, double* f) {
    const Target<K> target(out);
    const double* const eta = etas[0].data();
    double weight = -1.0, phi = 0.0, factor = 1.0;  // the last row's: most often all have the same
    Jet<in_phi> normalizer;
    for (Index i = range.begin; i < range.end; ++i) {
      const Observation o = responses[i];
      if (const double own = phi_of(etas, i); o.weight != weight || own != phi) {
        if (weight < 0.0 || own != phi) factor = scale(own);
        weight = o.weight, phi = own;
        if constexpr (Family::has_dispersion) normalizer = normalizer_to(target.in_phi_alone, weight, phi);
      }
      Jet<K> l(-infinity);
      if (eta[i] > Pair::lower_eta && eta[i] < Pair::upper_eta) {
        l = Kernel<Family, Link>::template at<K>(o, eta[i]);
        l *= o.weight * factor;
      }
      const double density = l.c[0] + normalizer.c[0];
      const bool good = usable(l, density);
      if (f) f[i - range.begin] = good ? density : -infinity;
      if (good)
        target.store(i - out.first, l, normalizer);
      else
        target.store(i - out.first, Jet<K>(), Jet<in_phi>());
    }
  }

  static constexpr int in_phi = Family::has_dispersion ? 3 : 0;

  /// The normalizer's series in phi up to `order`, 3 where it is more than 1. Asked for once for many rows: inside
  /// their loop it would cost these a sixth of their time.
  [[gnu::noinline]] static Jet<in_phi> normalizer_to(int order, double weight, double phi) {
    if (order > 1) return Family::template normalizer<in_phi>(weight, phi);
    Jet<in_phi> out;
    if (order == 1) {
      const Jet<1> first = Family::template normalizer<1>(weight, phi);
      out.c[0] = first.c[0], out.c[1] = first.c[1];
    } else {
      out.c[0] = Family::template normalizer<0>(weight, phi).c[0];
    }
    return out;
  }

  /// Very far out numbers overflow, and differences of them are not numbers.
  template <int K>
  static bool usable(const Jet<K>& l, double f) {
    bool all = std::isfinite(f);
    for (int k = 1; k <= K; ++k) all = all && !std::isnan(l.c[k]);
    return all;
  }

  /// Where the derivatives up to order K go, null where they are not asked for: by their order those in eta alone and
  /// those once in phi; and w_11, d3_011, d3_111.
  template <int K>
  struct Target {
    std::array<double*, K + 1> in_eta{}, once{};
    double *w_11 = nullptr, *d3_011 = nullptr, *d3_111 = nullptr;
    int in_phi_alone = 0;  ///< the highest order of the normalizer's derivatives

    explicit Target(RowDerivatives& out) {
      for (int k = 1; k <= K; ++k) in_eta[k] = out.column(k, 0);
      if (!Family::has_dispersion) return;
      for (int k = 1; k <= K; ++k) once[k] = out.column(k, 1);  // (0, 1) and (0, 0, 1) are the second places, too
      if (K >= 2) w_11 = out.column(2, pair_place(1, 1));
      if (K >= 3) d3_011 = out.column(3, triple_place(0, 1, 1));
      if (K >= 3) d3_111 = out.column(3, triple_place(1, 1, 1));
      in_phi_alone = d3_111 ? 3 : w_11 ? 2 : K >= 1 && once[K < 1 ? 0 : 1] ? 1 : 0;
    }

    void store(Index at, const Jet<K>& l, const Jet<in_phi>& normalizer) const {
      constexpr double factor[] = {1.0, 1.0, -2.0, -6.0, -24.0, -120.0};  // w = -f'', d3 = w', ...
      for (int k = 1; k <= K; ++k)
        if (in_eta[k]) in_eta[k][at] = factor[k] * l.c[k];
      if constexpr (Family::has_dispersion) store_in_phi(at, l, normalizer, factor);
    }

    void store_in_phi(Index at, const Jet<K>& l, const Jet<in_phi>& normalizer, const double* factor) const {
      constexpr double p = Family::scale_power;
      for (int k = 1; k <= K; ++k) {
        if (!once[k]) continue;
        once[k][at] = p * ((k == 2 ? -1.0 : factor[k - 1]) * l.c[k - 1]) + (k == 1 ? normalizer.c[1] : 0.0);
      }
      if (w_11) w_11[at] = -(p * p * l.c[0] + 2.0 * normalizer.c[2]);
      if constexpr (K >= 1)
        if (d3_011) d3_011[at] = -p * p * l.c[1];
      if (d3_111) d3_111[at] = -(p * p * p * l.c[0] + 6.0 * normalizer.c[3]);
    }
  };
};

template <class Family, class Link>
using ShapeDensity = SeriesDensity<MeanAndShape<Family, Link>>;

template <class Made>
std::unique_ptr<Density> new_density() {
  return std::make_unique<Made>();
}

struct RegisteredDensity {
  const char* key;  ///< family/link
  std::unique_ptr<Density> (*make)();
};

/// The registry: a family with a link is one line here. (The tests go over all lines.)
constexpr RegisteredDensity registered_densities[] = {
    {"gaussian/identity", new_density<DensityOf<GaussianFamily, IdentityLink>>},
    {"gaussian/log", new_density<DensityOf<GaussianFamily, LogLink>>},
    {"gaussian/inverse", new_density<DensityOf<GaussianFamily, InverseLink>>},
    {"binomial/logit", new_density<DensityOf<BinomialFamily, LogitLink>>},
    {"binomial/probit", new_density<DensityOf<BinomialFamily, ProbitLink>>},
    {"binomial/cloglog", new_density<DensityOf<BinomialFamily, CloglogLink>>},
    {"binomial/cauchit", new_density<DensityOf<BinomialFamily, CauchitLink>>},
    {"binomial/log", new_density<DensityOf<BinomialFamily, LogLink>>},
    {"poisson/log", new_density<DensityOf<PoissonFamily, LogLink>>},
    {"poisson/identity", new_density<DensityOf<PoissonFamily, IdentityLink>>},
    {"poisson/sqrt", new_density<DensityOf<PoissonFamily, SqrtLink>>},
    {"Gamma/inverse", new_density<DensityOf<GammaFamily, InverseLink>>},
    {"Gamma/log", new_density<DensityOf<GammaFamily, LogLink>>},
    {"Gamma/identity", new_density<DensityOf<GammaFamily, IdentityLink>>},
    {"inverse.gaussian/1/mu^2", new_density<DensityOf<InverseGaussianFamily, InverseSquareLink>>},
    {"inverse.gaussian/log", new_density<DensityOf<InverseGaussianFamily, LogLink>>},
    {"inverse.gaussian/inverse", new_density<DensityOf<InverseGaussianFamily, InverseLink>>},
    {"inverse.gaussian/identity", new_density<DensityOf<InverseGaussianFamily, IdentityLink>>},
    {"nbinom2/log", new_density<ShapeDensity<NegativeBinomialFamily, LogLink>>},
    {"nbinom2/sqrt", new_density<ShapeDensity<NegativeBinomialFamily, SqrtLink>>},
    {"nbinom2/identity", new_density<ShapeDensity<NegativeBinomialFamily, IdentityLink>>},
    {"nbinom1/log", new_density<ShapeDensity<LinearNegativeBinomialFamily, LogLink>>},
    {"nbinom1/sqrt", new_density<ShapeDensity<LinearNegativeBinomialFamily, SqrtLink>>},
    {"nbinom1/identity", new_density<ShapeDensity<LinearNegativeBinomialFamily, IdentityLink>>},
    {"beta/logit", new_density<ShapeDensity<BetaFamily, LogitLink>>},
    {"beta/probit", new_density<ShapeDensity<BetaFamily, ProbitLink>>},
    {"beta/cloglog", new_density<ShapeDensity<BetaFamily, CloglogLink>>},
    {"beta/cauchit", new_density<ShapeDensity<BetaFamily, CauchitLink>>},
    {"beta/log", new_density<ShapeDensity<BetaFamily, LogLink>>},
    {"betabinomial/logit", new_density<ShapeDensity<BetaBinomialFamily, LogitLink>>},
    {"betabinomial/probit", new_density<ShapeDensity<BetaBinomialFamily, ProbitLink>>},
    {"betabinomial/cloglog", new_density<ShapeDensity<BetaBinomialFamily, CloglogLink>>},
    {"betabinomial/cauchit", new_density<ShapeDensity<BetaBinomialFamily, CauchitLink>>},
    {"betabinomial/log", new_density<ShapeDensity<BetaBinomialFamily, LogLink>>},
    {"lognormal/log", new_density<ShapeDensity<LognormalFamily, LogLink>>},
    {"lognormal/identity", new_density<ShapeDensity<LognormalFamily, IdentityLink>>},
    {"truncated_poisson/log", new_density<DensityOf<TruncatedPoissonFamily, LogLink>>},
    {"truncated_nbinom2/log", new_density<ShapeDensity<TruncatedNegativeBinomialFamily, LogLink>>},
    {"genpois/log", new_density<ShapeDensity<GeneralizedPoissonFamily, LogLink>>},
    {"genpois/sqrt", new_density<ShapeDensity<GeneralizedPoissonFamily, SqrtLink>>},
    {"genpois/identity", new_density<ShapeDensity<GeneralizedPoissonFamily, IdentityLink>>},
};

std::unique_ptr<Density> make_density(const std::string& family, const std::string& link) {
  for (const RegisteredDensity& registered : registered_densities)
    if (family + "/" + link == registered.key) return registered.make();
  throw std::invalid_argument("no density for family '" + family + "' with link '" + link + "'");
}

std::vector<std::string> density_keys() {
  std::vector<std::string> keys;
  for (const RegisteredDensity& registered : registered_densities) keys.push_back(registered.key);
  return keys;
}

}  // namespace glimmer

#endif

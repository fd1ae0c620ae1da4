// Densities from families and links, and their registry. Heavy to compile, and defined here: for one translation unit
// of a program; the others know density.h.
#ifndef GLIMMER_DENSITIES_H
#define GLIMMER_DENSITIES_H

#include "canonical.h"
#include "density.h"
#include "family.h"
#include "negative_binomial.h"
#include "series_density.h"

namespace glimmer {

template <class Family, class Link>
class DensityOf : public Density {
  using Pair = Traits<Family, Link>;

 public:
  bool has_dispersion() const override { return Family::has_dispersion; }
  double constant(const Observation& o) const override { return Family::constant(o); }

  double lower_eta() const override { return Pair::lower_eta; }
  double upper_eta() const override { return Pair::upper_eta; }
  bool log_concave() const override { return Pair::log_concave; }
  FormInExp form_in_exp() const override { return Pair::form_in_exp; }

  bool rows_add_up() const override { return !Family::has_dispersion; }
  Observation sum_of(const Observation& a, const Observation& b) const override {
    if constexpr (Family::has_dispersion)
      throw std::logic_error("rows of a family with dispersion do not add up");
    else
      return Family::sum_of(a, b);
  }

  void evaluate(const Responses& responses, Range range, const Vector& eta, double phi, int order,
                RowDerivatives& out) const override {
    double* const f = out.f.size() > 0 ? out.f.data() + (range.begin - out.first) : nullptr;
    switch (order) {
      case 0: return fill<0>(responses, range, eta, phi, out, f);
      case 1: return fill<1>(responses, range, eta, phi, out, f);
      case 2: return fill<2>(responses, range, eta, phi, out, f);
      case 3: return fill<3>(responses, range, eta, phi, out, f);
      case 4: return fill<4>(responses, range, eta, phi, out, f);
      case 5: return fill<5>(responses, range, eta, phi, out, f);
      default: throw std::invalid_argument("derivatives are there to order 5");
    }
  }

  void evaluate_levels(const Responses& responses, const Positions& first_row, Range levels, const Vector& eta,
                       double phi, int order, RowDerivatives& out, double* sums, double* sizes) const override {
    switch (order) {
      case 0: return fill_levels<0>(responses, first_row, levels, eta, phi, out, sums, sizes);
      case 1: return fill_levels<1>(responses, first_row, levels, eta, phi, out, sums, sizes);
      case 2: return fill_levels<2>(responses, first_row, levels, eta, phi, out, sums, sizes);
      default: throw std::invalid_argument("sums over levels come with derivatives to order 2");
    }
  }

  void expected_weights(const Responses& responses, Range range, const Vector& eta, double phi,
                        Vector& out) const override {
    const double scale = std::exp(Family::scale_power * phi);
    for (Index i = range.begin; i < range.end; ++i) {
      const Observation o = responses[i];
      const double information = o.weight * scale * Family::template information<Link>(o, eta[i]);
      out[i] = information > 0.0 && information < infinity ? information : 0.0;
    }
  }

 private:
  template <int K>
  static void fill_levels(const Responses& responses, const Positions& first_row, Range levels, const Vector& eta,
                          double phi, RowDerivatives& out, double* sums, double* sizes) {
    std::fill_n(sums, levels.size(), 0.0);
    std::fill_n(sizes, levels.size(), 0.0);
    const Index end = first_row[levels.end];
    Index level = levels.begin;
    for (Index begin = first_row[level]; begin < end; begin += rows_in_block) {
      const Range block{begin, std::min(begin + rows_in_block, end)};
      with_block<K>(responses, block, eta, phi, out, [&](auto add_up) {
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
  static void with_block(const Responses& responses, Range block, const Vector& eta, double phi, RowDerivatives& out,
                         Visit visit) {
    if constexpr (Canonical<Family, Link>::known) {
      const RowBlock rows(responses, block, eta);
      if (rows.moderate()) {
        const Canonical<Family, Link> pair(rows);
        pair.template derivatives<K>(block.begin - out.first, out);
        return visit([&](Index from, Index to, double& sum, double& size) { pair.add_up(from, to, sum, size); });
      }
    }
    BlockArray f(block.size());
    fill_by_row<K>(responses, block, eta, phi, out, f.data());
    visit([&](Index from, Index to, double& sum, double& size) {
      sum += f.segment(from, to - from).sum();
      size += f.segment(from, to - from).abs().sum();
    });
  }

  /// `f`: null, or where the log-density of the first row of the range goes.
  template <int K>
  static void fill(const Responses& responses, Range range, const Vector& eta, double phi, RowDerivatives& out,
                   double* f) {
    if constexpr (!Canonical<Family, Link>::known) return fill_by_row<K>(responses, range, eta, phi, out, f);
    for (Range block{range.begin, range.begin}; block.begin < range.end; block.begin = block.end) {
      block.end = std::min(block.begin + rows_in_block, range.end);
      double* const f_block = f ? f + (block.begin - range.begin) : nullptr;
      fill_block<K>(responses, block, eta, phi, out, f_block);
    }
  }

  template <int K>
  static void fill_block(const Responses& responses, Range block, const Vector& eta, double phi, RowDerivatives& out,
                         double* f) {
    if constexpr (Canonical<Family, Link>::known) {
      const RowBlock rows(responses, block, eta);
      if (rows.moderate()) {
        const Canonical<Family, Link> pair(rows);
        pair.template derivatives<K>(block.begin - out.first, out);
        if (f) Eigen::Map<Eigen::ArrayXd>(f, block.size()) = pair.log_density().head(block.size());
        return;
      }
    }
    fill_by_row<K>(responses, block, eta, phi, out, f);
  }

  template <int K>
  static void fill_by_row(const Responses& responses, Range range, const Vector& eta, double phi,
                             RowDerivatives& out, double* f) {
    const double scale = std::exp(Family::scale_power * phi);
    double weight = -1.0, normalizer = 0.0, normalizer_phi = 0.0;  // the last row's: most often all have the same
    for (Index i = range.begin; i < range.end; ++i) {
      const Index at = i - out.first;
      const Observation o = responses[i];
      if (o.weight != weight) {
        weight = o.weight;
        normalizer = Family::normalizer(weight, phi);
        if constexpr (in_phi(K) > 0) normalizer_phi = Family::normalizer_phi(weight, phi);
      }
      Jet<K> l(-infinity);
      if (eta[i] > Pair::lower_eta && eta[i] < Pair::upper_eta) {
        l = Kernel<Family, Link>::template at<K>(o, eta[i]);
        l *= o.weight * scale;
      }
      const double density = l.c[0] + normalizer;
      const bool good = usable(l, density);
      if (f) f[i - range.begin] = good ? density : -infinity;
      if (good)
        store<K>(at, l, normalizer_phi, out);
      else
        store_outside<K>(at, out);
    }
  }

  /// How many derivatives in phi come with order K (see RowDerivatives::reserve()).
  static constexpr int in_phi(int order) { return !Family::has_dispersion || order == 2 ? 0 : order; }

  template <int K>
  static void store(Index at, const Jet<K>& l, double normalizer_phi, RowDerivatives& out) {
    if constexpr (K >= 1) out.d1[at] = l.c[1];
    if constexpr (K >= 2) out.w[at] = -2.0 * l.c[2];
    if constexpr (K >= 3) out.d3[at] = -6.0 * l.c[3];
    if constexpr (K >= 4) out.d4[at] = -24.0 * l.c[4];
    if constexpr (K >= 5) out.d5[at] = -120.0 * l.c[5];
    if constexpr (in_phi(K) > 0) fill_phi<K>(at, l.c[0], normalizer_phi, out);
  }

  /// Very far out numbers overflow, and differences of them are not numbers.
  template <int K>
  static bool usable(const Jet<K>& l, double f) {
    bool all = std::isfinite(f);
    for (int k = 1; k <= K; ++k) all = all && !std::isnan(l.c[k]);
    return all;
  }

  template <int K>
  static void store_outside(Index i, RowDerivatives& out) {
    Vector* in_eta[] = {&out.d1, &out.w, &out.d3, &out.d4, &out.d5};
    for (int k = 1; k <= K; ++k) (*in_eta[k - 1])[i] = 0.0;
    Vector* derivatives_in_phi[] = {&out.f_phi, &out.d1_phi, &out.w_phi, &out.d3_phi, &out.d4_phi};
    for (int k = 0; k < in_phi(K); ++k) (*derivatives_in_phi[k])[i] = 0.0;
  }

  /// scale' = scale_power * scale, so each derivative in phi is a multiple of the one in eta.
  template <int K>
  static void fill_phi(Index i, double kernel, double normalizer_phi, RowDerivatives& out) {
    out.f_phi[i] = Family::scale_power * kernel + normalizer_phi;
    if constexpr (K >= 2) out.d1_phi[i] = Family::scale_power * out.d1[i];
    if constexpr (K >= 3) out.w_phi[i] = Family::scale_power * out.w[i];
    if constexpr (K >= 4) out.d3_phi[i] = Family::scale_power * out.d3[i];
    if constexpr (K >= 5) out.d4_phi[i] = Family::scale_power * out.d4[i];
  }
};

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
    {"nbinom2/log", new_density<SeriesDensity<NegativeBinomialFamily, LogLink>>},
    {"nbinom2/sqrt", new_density<SeriesDensity<NegativeBinomialFamily, SqrtLink>>},
    {"nbinom2/identity", new_density<SeriesDensity<NegativeBinomialFamily, IdentityLink>>},
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
